"""Results as files: tables, figures and one self-contained page."""
