"""`lookalike demo`: the whole workflow at once."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from data.shipped import DEFAULT_MODEL
from lookalike.console import headline, need, relative, say, show
from lookalike.options import Json, ModelFolder, Out, Seed


def demo(
    out: Out = Path("demo-output"),
    model: ModelFolder = DEFAULT_MODEL,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Run the whole workflow with simulated observers.

    From eight mammograms to patches, a morph loop, a stimulus set, sessions and the report.

    \b
    Example:
      lookalike demo --out demo-output
    """
    need("gan", "demo")
    from data.files import read_json
    from lookalike.flows import demo as flow

    made = flow.run(out, model, seed)
    folders = {name: relative(path) for name, path in asdict(made).items()}
    show({**folders, **headline(read_json(made.results / "summary.json"), made.results)}, as_json)
    say(f"\nNote: {flow.WARNING}\nReal images: {flow.CREDIT}.")
