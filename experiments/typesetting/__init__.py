"""Texts as pixels: which font, where lines and pages break, and the picture of a page. No PsychoPy."""
