"""The networks: generator, its layers, and pretrained feature networks."""
