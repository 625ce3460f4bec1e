"""Composition: one lesion's texture on another's shape, with a certificate of what each image keeps of both."""
