"""Agreement: of a participant with themselves, of participants with one another, image by image."""
