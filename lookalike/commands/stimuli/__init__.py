"""Build, check and export stimulus sets; classic stimuli."""

from lookalike.commands.stimuli.build import build
from lookalike.commands.stimuli.check import check
from lookalike.commands.stimuli.classic import classic
from lookalike.commands.stimuli.export import export
from lookalike.commands.stimuli.gallery import gallery
from lookalike.commands.stimuli.graded import graded
from lookalike.quick_group import sub_commands

app = sub_commands(__doc__)
app.command()(build)
app.command()(check)
app.command()(gallery)
app.command()(export)
app.command()(classic)
app.command()(graded)
