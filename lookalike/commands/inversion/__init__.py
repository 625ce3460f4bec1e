"""The commands that put real images into a generator, and edit them."""
