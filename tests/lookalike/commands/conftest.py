"""Models to evaluate, and a small study of two simulated participants."""

from __future__ import annotations

import shutil

import pytest

KEY = b"k" * 32


@pytest.fixture(scope="session")
def untrained():
    """Make an untrained model that says it was trained on a patch set: `untrained(folder, cut, seed, **facts)`."""
    import torch

    from gan.checkpoint import save_model
    from gan.networks.generator import Architecture, Generator

    def make(folder, cut, seed, **facts):
        torch.manual_seed(seed)
        generator = Generator(Architecture(resolution=16, z_dim=16, w_dim=16, channel_base=128, channel_max=16))
        rows = cut.select("train")
        training = {
            "train_patients": sorted(set(rows["patient"])),
            "patches": len(rows),
            "patches_sha256": cut.sha256,
            "key_fingerprint": cut.about["key_fingerprint"],
            "context": cut.about["context"],
            "source_bit_depths": [8],
            "credit": "nobody",
            "images_seen": 1000 * seed,
            **facts,
        }
        save_model(folder, generator, training)
        return folder

    return make


@pytest.fixture(scope="session")
def gallery(many_mammograms, untrained, tmp_path_factory):
    """A hundred mammograms cut into patches, two untrained models that say they were trained on them, and weights."""
    import torch
    from safetensors.torch import save_file

    from gan.networks.features import Vgg16
    from stimuli.crops import Cut
    from stimuli.cutting import cut_patches
    from stimuli.sources.boxes_table import read_source

    folder = tmp_path_factory.mktemp("gallery")
    cut = Cut(size_px=16, split=(0.5, 0.25, 0.25))
    patches = cut_patches(read_source(many_mammograms), folder / "patches", KEY, cut)
    assert min(patches.about["patches"].values()) >= 20
    for seed in (1, 2):
        untrained(folder / f"model{seed}", patches, seed)
    torch.manual_seed(0)
    network = Vgg16()
    for convolution in network.features.values():
        torch.nn.init.kaiming_normal_(convolution.weight)
    save_file({name: value.half() for name, value in network.state_dict().items()}, folder / "vgg16.safetensors")
    return folder


@pytest.fixture
def weights(gallery, monkeypatch):
    """Random ones; path lengths, in double precision and slow, from a few pairs of images; SqueezeNet on small ones."""
    import gan.evaluation.evaluate
    import gan.networks.squeezenet
    from gan.evaluation.metrics import path_length
    from gan.networks.features import VARIABLE

    monkeypatch.setenv(VARIABLE, str(gallery / "vgg16.safetensors"))
    monkeypatch.setattr(gan.networks.squeezenet, "SIDE_PX", 32)
    real = path_length.path_lengths
    monkeypatch.setattr(gan.evaluation.evaluate, "path_lengths", lambda g, n, seeds, psi: real(g, n, seeds[:4], psi))


@pytest.fixture(scope="session")
def session(workshop):
    """The words of a simulated first session: `session(data, "--participant", "anna1")`."""

    def words(data, *more):
        simulated = ("--observer", "simulated", "--no-window")
        return ("run", workshop / "stimuli", "--data", data, "--study", workshop / "study.toml", *simulated, *more)

    return words


@pytest.fixture(scope="session")
def two_sessions(session, exit_code, tmp_path_factory):
    """The data of two simulated participants, to copy."""
    data = tmp_path_factory.mktemp("two-sessions") / "data"
    for name in ("anna1", "bela2"):
        assert exit_code(*session(data, "--participant", name)) == 0
    return data


@pytest.fixture
def study(two_sessions, tmp_path, monkeypatch):
    """A copy of two participants' data in `tmp_path`, seen from the folder `here` beside it."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    shutil.copytree(two_sessions, tmp_path / "data")
    return tmp_path / "data"


OTHER_TASK = """
name = "test"
task = "ours.toml"
planned_participants = 2
[plan]
trials = 10
"""


@pytest.fixture
def lab(tmp_path):
    """A stimulus set, a study file and its task beside it."""
    import numpy as np

    from stimuli.sets import Candidate, Layout, build_set

    rng = np.random.default_rng(0)

    def offer(name):
        for number in range(14):
            yield Candidate(rng.random((8, 8), dtype=np.float32), f"{name}:{number}")

    build_set(tmp_path / "set", offer("patch"), offer("seed"), Layout(main=10, practice=2), {})
    (tmp_path / "study.toml").write_text(OTHER_TASK)
    (tmp_path / "ours.toml").write_text('kind = "realfake"\npractice_trials = 2\nblocks = 2\n')
    return tmp_path


@pytest.fixture
def call(lookalike, lab):
    """Call `run` or `retest` for the participant k7q2m of `lab`, simulated: `call("run", "--json")`."""

    def run(command, *words):
        who = ("--data", lab / "data", "--participant", "k7q2m", "--observer", "simulated", "--no-window")
        return lookalike(command, lab / "set", *who, *words)

    return run


@pytest.fixture
def stop(lab):
    """Stop the session of k7q2m after so many answers, as if it had been killed: `stop(5)`."""

    def cut(answers):
        folder = lab / "data" / "sourcedata" / "sub-k7q2m" / "ses-1"
        lines = (folder / "record.jsonl").read_text().splitlines(keepends=True)
        last = [number for number, line in enumerate(lines) if '"event": "answer"' in line][answers - 1]
        (folder / "record.jsonl").write_text("".join(lines[: last + 1]))
        shutil.rmtree(lab / "data" / "sub-k7q2m")

    return cut
