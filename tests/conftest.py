"""What every test shares."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from hypothesis import HealthCheck, settings

from data.errors import LookalikeError

# A slow or loaded machine is no fault of the code, so neither an example nor its drawing has a time limit; and a
# failure found by one run must be found by the next, so examples are drawn from a fixed seed.
unhurried = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("lookalike", derandomize=True, **unhurried)
settings.load_profile("lookalike")

Refuses = Callable[[str], AbstractContextManager["pytest.ExceptionInfo[LookalikeError]"]]


@pytest.fixture(scope="session", autouse=True)
def one_core_each() -> Iterator[None]:
    """Where several processes run tests, each has its own core, so that analyses start no further ones."""
    with pytest.MonkeyPatch.context() as patch:
        if "PYTEST_XDIST_WORKER" in os.environ:
            patch.setattr("analysis.side_by_side.cores", lambda: 1)
        yield


@pytest.fixture(scope="session")
def refuses() -> Refuses:
    """`with refuses("missing-column") as caught:` expects a `LookalikeError` of that code, in one line."""

    @contextmanager
    def expect(code: str) -> Iterator[pytest.ExceptionInfo[LookalikeError]]:
        with pytest.raises(LookalikeError) as caught:
            yield caught
        assert caught.value.code == code, f"{caught.value.code}: {caught.value}"
        assert "\n" not in str(caught.value)

    return expect
