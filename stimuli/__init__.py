"""Images as numbers: reading mammograms, cutting patches, luminance, stimulus sets, export."""
