"""Pictures of a loop."""

import numpy as np

from stimuli.loop_pictures import ring


def test_the_ring_shows_its_frames_without_overlap():
    images = np.stack([np.full((16, 16), 0.1 + 0.01 * k, np.float32) for k in range(24)])
    picture = ring(images, [0, 8, 16])
    shown = {round(float(value), 2) for value in np.unique(picture)} - {0.0, 1.0}
    assert shown == {round(0.1 + 0.01 * k, 2) for k in range(0, 24, 2)}
    for value in shown:
        assert (np.abs(picture - value) < 1e-3).sum() == 256
