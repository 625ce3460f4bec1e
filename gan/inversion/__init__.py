"""In-domain inversion: an encoder from images to codes, and the code and noise whose image is nearest to a real one."""
