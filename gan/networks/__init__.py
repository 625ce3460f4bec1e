"""The networks: the generator, its layers, and pretrained feature networks."""
