"""Networks, losses, training, morph loops and evaluation.

The names in `__init__.pyi` are those that a notebook needs; each is loaded when it is first used, and torch with it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
