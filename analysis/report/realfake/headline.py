"""The headline of one kind of observer: the primary result, and what it generalises to."""

from __future__ import annotations

from typing import Any

from analysis.group.group import Group
from analysis.group.primary import no_interval


def headline(group: Group) -> dict[str, Any]:
    """The same for the console, the page and `summary.json`; `these_images_only` takes the images as given."""
    main, able, own = group.primary, group.primary.prevalence, group.own_dprime
    given = {name: getattr(group, name).to_dict() for name in ("dprime", "auc", "similarity")}
    return {
        "observer": group.observer,
        "participants": main.auc.participants,
        "analysed": group.participants,
        "verdict": main.verdict,
        "words": main.words,
        "auc": main.auc.auc,
        "low": main.auc.low,
        "high": main.auc.high,
        "level": main.auc.level,
        "reason": f"no interval, as {no_interval(main.auc)}" if main.exact and main.auc.reason else main.auc.reason,
        "method": main.auc.method,
        "generalises_to": main.generalises_to,
        "p": main.p,
        "p_is_of": "permuted labels of the images" if main.exact else "t test, with the interval",
        "dprime": main.dprime,
        "dprime_low": main.dprime_low,
        "dprime_high": main.dprime_high,
        "can_tell": None if able is None else able.to_dict(),
        "these_images_only": given | ({} if own is None else {"own_dprime": own.to_dict()}),
    }
