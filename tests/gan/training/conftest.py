"""Short training runs: whole, and stopped half-way."""

import shutil
import signal

import pytest
import torch

from gan.training.train import train
from tests.gan.training.runs import HALF, SETTINGS


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def ctrl_c():
    """Ctrl-C as usual: a shell starts background jobs with SIGINT ignored, and Python leaves it so."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def whole(patches, tmp_path_factory):
    """The model of a run that was never stopped."""
    return train(patches, tmp_path_factory.mktemp("whole") / "run", SETTINGS)


@pytest.fixture(scope="module")
def first_half(patches, tmp_path_factory):
    out = tmp_path_factory.mktemp("half") / "run"
    train(patches, out, HALF)
    return out


@pytest.fixture
def half(first_half, tmp_path):
    """A run that came to an end half-way, to be resumed."""
    return shutil.copytree(first_half, tmp_path / "run")
