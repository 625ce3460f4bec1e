"""What the answers say: signal detection, ROC, retest agreement, group evidence, image cues, figures and the report.

`import analysis` loads nothing yet. The names in `__init__.pyi` are what to call from a notebook or a script; each is
loaded, with what it needs, when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
