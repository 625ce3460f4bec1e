"""Where patches come from: one module for each way in which images and what is known of them are stored."""
