"""What sees single pixels: a small discriminator, and statistics of fine detail that are matched."""
