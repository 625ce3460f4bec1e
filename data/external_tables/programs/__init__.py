"""The programs whose exports are recognised: one module each, found by its file name."""
