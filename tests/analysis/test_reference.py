"""The rating ROC against R's pROC (reference/proc.R)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis import roc

PROC: dict[str, Any] = json.loads((Path(__file__).parent / "reference" / "proc.json").read_text("utf-8"))
STUDIES: dict[str, Any] = PROC["studies"]


@pytest.mark.parametrize("rater", ["first", "second"])
@pytest.mark.parametrize("name", STUDIES)
def test_auc_and_delongs_variance_are_procs(name: str, rater: str) -> None:
    """Ratings with ties and continuous ones, above, at and below chance; to 1e-12."""
    study = STUDIES[name]
    result = roc.from_ratings(np.where(np.array(study["truth"]) == 1, "generated", "real"), study[rater])
    reference = study["pROC"][rater]
    assert result.auc == pytest.approx(reference["auc"], abs=1e-12)
    assert result.se**2 == pytest.approx(reference["variance"], abs=1e-12)
