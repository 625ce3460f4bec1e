"""What happens in the lab: plans, the session, the display, responses, the record, and its export."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
