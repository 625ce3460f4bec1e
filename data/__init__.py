"""What is stored: formats with their readers and writers, simulated observers, and shipped content.

`import data` offers the names of `__init__.pyi`, each loaded when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
