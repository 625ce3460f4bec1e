import json

import gan
from gan.checkpoint import load_model
from gan.training.discriminator_file import FILE


def test_an_average_from_the_command_line(lookalike, tmp_path):
    for number, name in enumerate(("one", "other")):
        generator = gan.Generator(gan.Architecture(16, channel_max=16)).requires_grad_(False)
        gan.save_model(tmp_path / name, generator, {"images_seen": number}, beside={FILE: name.encode()})
    out = tmp_path / "average"
    said = lookalike("average", tmp_path / "one", tmp_path / "other", "--weights", "1,3", "--out", out, "--json")
    assert said.code == 0, said.err
    assert list(json.loads(said.out)["averaged"].values()) == [0.25, 0.75]
    assert (out / FILE).read_bytes() == b"other"  # of the one that counts most
    mean, one, other = (
        load_model(folder).generator.synthesis.to_grey.weight for folder in (out, tmp_path / "one", tmp_path / "other")
    )
    assert (mean - (one + 3 * other) / 4).abs().max() < 1e-6 < (one - other).abs().max()


def test_weights_that_are_no_numbers(lookalike, tmp_path):
    said = lookalike("average", tmp_path, tmp_path, "--weights", "much", "--out", tmp_path / "out")
    assert said.code == 2
    assert "--weights is 'much'" in said.err
