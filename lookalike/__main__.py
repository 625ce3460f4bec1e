"""`python -m lookalike`, which is also how `accelerate launch -m lookalike` starts it."""

from lookalike.cli import main

main()
