"""Stimulus sets: building, matching, reading, what their files give away, galleries and exports.

The names in `__init__.pyi` are those that other packages use; each is loaded when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
