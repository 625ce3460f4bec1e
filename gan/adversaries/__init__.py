"""What the generator is trained against: discriminators, their losses, and the augmentation of what they see."""
