"""The installed version."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("lookalike")
except PackageNotFoundError:  # run from a checkout that was not installed
    VERSION = "unknown"
