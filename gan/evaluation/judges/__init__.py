"""Judges that no training uses: each is trained anew on the images at hand."""
