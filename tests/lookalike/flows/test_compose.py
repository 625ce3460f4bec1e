from __future__ import annotations

import pandas as pd
import pytest

pytest.importorskip("torch")

from lookalike.flows.compose import missed, passed


def test_bars_are_counted_of_composed_images_only():
    measures = ["texture_correlation", "gram_distance", "shape_correlation", "seam"]
    rows = {
        "all reached, two just": ("composed", 0.55, 0.1, 0.99, 1.35),
        "seam": ("composed", 0.8, 0.1, 0.99, 1.58),
        "seam and Gram": ("composed", 0.8, 0.4, 0.99, 1.36),
        "undefined": ("composed", 0.8, float("nan"), 0.99, 1),
        "another method": ("stitched", 0.1, 0.9, 0.1, 9),
    }
    certificate = pd.DataFrame(rows.values(), columns=["method", *measures])
    assert passed(certificate) == 1
    assert missed(certificate) == {"gram_distance": 2, "seam": 2}
    assert missed(certificate[:1]) == {}
