"""What the generator plays against: discriminators, their losses and the augmentation of their input."""
