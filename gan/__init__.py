"""StyleGAN for grayscale medical images: networks, training, stored models, morph loops."""
