"""Images as numbers: reading mammograms, cutting patches, grey levels, stimulus sets, export.

The names in `__init__.pyi` are those that a notebook needs; each is loaded when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
