from .display.calibration import LuminanceTable as LuminanceTable
from .display.calibration import gsdf_lookup as gsdf_lookup
from .display.calibration import read_luminances as read_luminances
from .display.conformance import Conformance as Conformance
from .display.conformance import measure_conformance as measure_conformance
from .display.display_file import Display as Display
from .display.display_file import make_display as make_display
from .display.display_file import read_display as read_display
from .display.display_file import write_display as write_display
from .display.gsdf import jnd_to_luminance as jnd_to_luminance
from .display.gsdf import luminance_to_jnd as luminance_to_jnd
from .records.bids import export_all as export_all
from .records.imrmc import ImrmcCounts as ImrmcCounts
from .records.imrmc import write_imrmc as write_imrmc
from .records.long_table import write_long_table as write_long_table
from .records.participants import Reader as Reader
from .records.participants import register_participant as register_participant
from .records.status import ParticipantState as ParticipantState
from .records.status import SessionState as SessionState
from .records.status import status as status
from .screen import Flip as Flip
from .screen import HeadlessScreen as HeadlessScreen
from .session.design import EarlierParticipants as EarlierParticipants
from .session.design import draw_plan as draw_plan
from .session.first_session import run_first_session as run_first_session
from .session.retest_session import run_retest as run_retest
from .session.run import SessionResult as SessionResult
from .session.run import Setup as Setup

__all__ = [
    "Conformance",
    "Display",
    "EarlierParticipants",
    "Flip",
    "HeadlessScreen",
    "ImrmcCounts",
    "LuminanceTable",
    "ParticipantState",
    "Reader",
    "SessionResult",
    "SessionState",
    "Setup",
    "draw_plan",
    "export_all",
    "gsdf_lookup",
    "jnd_to_luminance",
    "luminance_to_jnd",
    "make_display",
    "measure_conformance",
    "read_display",
    "read_luminances",
    "register_participant",
    "run_first_session",
    "run_retest",
    "status",
    "write_display",
    "write_imrmc",
    "write_long_table",
]
