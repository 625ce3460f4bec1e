"""Does a generated image show a training patch, that is, a real patient?"""
