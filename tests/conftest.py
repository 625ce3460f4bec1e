"""What every test shares."""

from __future__ import annotations

from hypothesis import settings

# A loaded machine is no fault of the code, so no example has a time limit; and a failure found by
# one run must be found by the next, so examples are drawn from a fixed seed.
settings.register_profile("lookalike", deadline=None, derandomize=True)
settings.load_profile("lookalike")
