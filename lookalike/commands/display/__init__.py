"""Calibrate and check a display."""

from lookalike.commands.display.calibrate import calibrate
from lookalike.commands.display.check import check
from lookalike.commands.display.test_pattern import pattern
from lookalike.quick_group import sub_commands

app = sub_commands(__doc__)
app.command()(calibrate)
app.command()(check)
app.command("test-pattern")(pattern)
