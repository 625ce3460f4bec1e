import torch

from gan.adversaries.step_rng import StepRng


def test_processes_draw_their_share_of_what_one_would_draw():
    whole = StepRng(1, 2, 8)
    parts = [StepRng(1, 2, 8, rank, 2) for rank in range(2)]
    for draw in (
        lambda d: d.normal(3, 2),
        lambda d: d.uniform(),
        lambda d: d.integers(0, 9, 1),
        lambda d: d.uniform_between(-1, 1),
    ):
        assert torch.equal(draw(whole), torch.cat([draw(part) for part in parts]))


def test_steps_and_seeds_have_streams_of_their_own_and_the_global_one_is_left_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    drawn = [StepRng(seed, step, 4).uniform() for seed, step in ((0, 0), (0, 1), (1, 0))]
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(torch.equal(drawn[a], drawn[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert torch.equal(drawn[0], StepRng(0, 0, 4).uniform())


def test_numbers_lie_where_they_should():
    rng = StepRng(0, 0, 1000)
    assert set(rng.integers(2, 5).tolist()) == {2, 3, 4}
    between = rng.uniform_between(-2, 3)
    assert -2 <= between.min() < -1.9
    assert 2.9 < between.max() < 3
