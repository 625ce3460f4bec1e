"""From P-values to light: display files, calibration, conformance and the sizes of images."""
