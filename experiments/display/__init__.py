"""From P-values to light: calibration, image sizes, windows, and the ring of a matching task."""
