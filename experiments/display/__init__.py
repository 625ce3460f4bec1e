"""Everything between a P-value and light: calibration, sizes, windows, the matching ring."""
