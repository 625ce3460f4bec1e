"""DICOM: its header, its compressed data, and from stored values to greys."""
