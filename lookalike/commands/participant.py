"""Register participants."""

from __future__ import annotations

from typing import Annotated

import typer

from lookalike.console import show
from lookalike.options import Data, Json, number
from lookalike.quick_group import sub_commands

app = sub_commands(__doc__)

EXPERTISE = "radiologist, resident, physician, radiographer, scientist, student or none"


@app.command()
def new(
    data: Data,
    expertise: Annotated[str | None, typer.Option(help=f"The reader's training: {EXPERTISE}.")] = None,
    years: Annotated[
        float | None, typer.Option(help="Experience of reading such images, years.", **number("--years"))
    ] = None,
    volume_per_year: Annotated[
        float | None, typer.Option(help="Cases read per year.", **number("--volume-per-year"))
    ] = None,
    corrected_vision: Annotated[
        bool | None,
        typer.Option("--corrected-vision/--no-corrected-vision", help="Glasses or lenses in sessions, or none."),
    ] = None,
    consent: Annotated[bool, typer.Option("--consent", help="The participant's consent; never exported.")] = False,
    room_light_lux: Annotated[
        float | None, typer.Option(help="Room light at the screen, lx.", **number("--room-light-lux"))
    ] = None,
    viewing_distance_cm: Annotated[
        float | None, typer.Option(help="Distance from eye to screen, cm.", **number("--viewing-distance-cm"))
    ] = None,
    notes: Annotated[str, typer.Option(help="Notes for the lab, without names; never exported.")] = "",
    as_json: Json = False,
) -> None:
    """Register a participant under a random code; print the code.

    The options record what is known of the reader.

    \b
    Example:
      lookalike participant new --data study-1 --expertise resident --years 2 --consent
    """
    from experiments.records.participants import Reader, register_participant

    about = (expertise, years, volume_per_year, corrected_vision, room_light_lux, viewing_distance_cm, consent, notes)
    code = register_participant(data, Reader(*about))
    if as_json:
        show({"participant": code}, True)
    else:
        print(code)
