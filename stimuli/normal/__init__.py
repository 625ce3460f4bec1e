"""Tissue without a lesion: where the breast and its muscle are, where a patch fits, and patch sets made of it."""
