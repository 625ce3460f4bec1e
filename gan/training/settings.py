"""The settings of a training run, and presets for three sizes of machine."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from data.errors import LookalikeError
from gan.networks.generator import Architecture
from gan.networks.layers import GROUP

DISCRIMINATORS = ("stylegan", "frozen", "ensemble", "pixels")
SYMMETRIES = ("none", "mirror", "dihedral")
PRECISIONS = ("no", "bf16")
SMALLEST_PX, LARGEST_PX = 8, 1024
# Karras 2019: Adam's rate at 128 px and up, in units of the rate below.
_ENDINGS = ("cool_down_kimg", "last_layers", "keep_coarse")
_RATE_AT = {128: 1.5, 256: 2.0, 512: 3.0, 1024: 3.0}


@dataclass(frozen=True)
class Settings:
    """The settings of a training run; `gan.PRESETS` holds those for three sizes of machine.

    Attributes
    ----------
    architecture : Architecture
        Sizes of the networks.
    discriminator : {"stylegan", "frozen", "ensemble", "pixels"}
        The paper's, one on pretrained features, that together with a small one on pixels, or the small one alone.
    kimg : float
        Length of the run, in thousands of real images shown.
    batch : int, a multiple of 4
        Images per step, over all processes.
    learning_rate : float
        Of Adam, at sizes below 128 px; it grows with the size as in Karras 2019.
    r1_gamma, r1_every : float, int
        Weight of the `stylegan` gradient penalty, and the number of steps between penalties.
    pixel_gamma, pixel_weight : float, at least 0
        Of the pixel discriminator of `ensemble` and `pixels`: weight of its gradient penalty (every `r1_every` steps),
        and of its part in the generator's loss.
    relativistic : bool
        Whether the discriminators that see pixels compare each real image with a generated one (Huang et al. 2024).
    ada_target : float, 0 to 1
        The mean sign of real logits at which the adaptive augmentation of discriminators that see pixels aims; 0
        switches it off.
    ada_kimg : float
        The least number of kimg in which the strength of augmentation goes from 0 to 1.
    moments : float, at least 0
        Weight of moment matching (`gan.adversaries.moments`), not for `stylegan`. 0 switches it off, as at the start,
        when it would put blobs into corners; 5000 finishes a run (docs/training-notes.md).
    pixel_moments : float, at least 0
        Weight of matching fine detail, borders, layout and specks (`gan.adversaries.pixels.moments`), not for
        `stylegan`.
    style_mixing : float, 0 to 1
        Share of generated images with two codes.
    warm_up_kimg : float, at least 0
        How long the generator waits while the discriminator learns, for a run that starts from a stored model.
    cool_down_kimg : float, at least 0
        Over how many kimg at the end of the run the learning rates fall to 0; a resumed run may end later.
    last_layers : int, at least 0
        How many styled layers learn, counted from the last, two of each size; 0 stands for all and the mapping network.
    keep_coarse : float, at least 0
        Weight of the mean squared difference between blurred images and those of the model that the run started from.
    path_weight : float, at least 0
        Weight of the penalty on steep paths in W (`gan.training.smooth_paths`); 20 was tried (docs/training-notes.md).
    started_from : str
        The hash of the model that the run started from; empty if it started anew.
    ema_kimg : float
        Half-life of the running average of the generator.
    file_traces : bool
        Whether generated images pass through files like those that the patches were cut from (`gan.networks.traces`),
        where the patch set knows them.
    symmetry : {"none", "mirror", "dihedral"}
        Under which images are randomly transformed: left and right, or quarter turns too.
    progressive : bool
        Whether to grow from 8 px, with `stage_kimg` at each size and `fade_kimg` between two.
    stage_kimg, fade_kimg : float
        Lengths of these phases.
    snapshot_kimg : float
        The interval between snapshots.
    precision : {"no", "bf16"}
        Whether to compute in bfloat16 where that is safe.
    seed : int
        Of everything random.

    Examples
    --------
    >>> import gan
    >>> gan.Settings(gan.Architecture(16), kimg=0.1, batch=8).rate_at(128)
    0.003
    """

    architecture: Architecture = field(default_factory=Architecture)
    discriminator: str = "stylegan"
    kimg: float = 1000.0
    batch: int = 32
    learning_rate: float = 2e-3
    r1_gamma: float = 1.0
    r1_every: int = 16
    pixel_gamma: float = 0.002
    pixel_weight: float = 1.0
    relativistic: bool = False
    ada_target: float = 0.6
    ada_kimg: float = 100.0
    moments: float = 0.0
    pixel_moments: float = 0.0
    style_mixing: float = 0.9
    warm_up_kimg: float = 0.0
    cool_down_kimg: float = 0.0
    last_layers: int = 0
    keep_coarse: float = 0.0
    path_weight: float = 0.0
    started_from: str = ""
    ema_kimg: float = 10.0
    file_traces: bool = True
    symmetry: str = "mirror"
    progressive: bool = False
    stage_kimg: float = 30.0
    fade_kimg: float = 30.0
    snapshot_kimg: float = 10.0
    precision: str = "no"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, choices in (
            ("discriminator", DISCRIMINATORS),
            ("symmetry", SYMMETRIES),
            ("precision", PRECISIONS),
        ):
            if getattr(self, name) not in choices:
                raise LookalikeError(
                    "unknown-choice", f"{name} is {getattr(self, name)!r}; it must be {' or '.join(choices)}"
                )
        above = ("kimg", "batch", "learning_rate", "r1_every", "ada_kimg", "ema_kimg", "stage_kimg", "fade_kimg")
        for name in (*above, "snapshot_kimg"):
            if not 0 < getattr(self, name) < math.inf:  # refuses NaN too
                raise LookalikeError("out-of-range", f"{name} is {getattr(self, name)}; it must be above 0")
        if self.moments and self.discriminator in ("stylegan", "pixels"):
            raise LookalikeError(
                "conflicting-options",
                f"moments need the features of the frozen discriminator, but it is {self.discriminator}; give "
                "--discriminator frozen or ensemble",
            )
        if self.pixel_moments and self.discriminator == "stylegan":
            raise LookalikeError(
                "conflicting-options",
                "matching of fine detail is for frozen, ensemble and pixels, but the discriminator is stylegan; give "
                "one of them, or leave out --pixel-moments",
            )
        if self.relativistic and self.discriminator == "frozen":
            raise LookalikeError(
                "conflicting-options",
                "relativistic pairing is for discriminators that see pixels, but it is frozen; give --discriminator "
                "stylegan, ensemble or pixels",
            )
        if self.progressive and (self.last_layers or self.keep_coarse):
            raise LookalikeError(
                "conflicting-options",
                "what is kept of the model that a run starts from has its full size; give --no-progressive, or leave "
                "out --last-layers and --keep-coarse",
            )
        if self.batch % GROUP:  # the discriminators measure how much the images of a group differ
            raise LookalikeError("out-of-range", f"batch is {self.batch}; it must be a multiple of {GROUP}")
        weights = ("r1_gamma", "moments", "pixel_gamma", "pixel_weight", "pixel_moments", "path_weight")
        for name in (*weights, "warm_up_kimg", *_ENDINGS):
            if not 0 <= getattr(self, name) < math.inf:
                raise LookalikeError("out-of-range", f"{name} is {getattr(self, name)}; it must be at least 0")
        for name in ("ada_target", "style_mixing"):
            if not 0 <= getattr(self, name) <= 1:
                raise LookalikeError("out-of-range", f"{name} is {getattr(self, name)}; it must lie between 0 and 1")
        if self.architecture.resolution > LARGEST_PX:
            raise LookalikeError(
                "out-of-range", f"resolution is {self.architecture.resolution} px; it must be at most {LARGEST_PX}"
            )

    def rate_at(self, resolution: int) -> float:
        """Adam's learning rate at this image size, before it cools down."""
        return self.learning_rate * _RATE_AT.get(resolution, 1.0)

    def cooling(self, images: float) -> float:
        """The factor of the learning rates, from 1 to 0, after so many images."""
        if not self.cool_down_kimg:
            return 1.0
        return min(1.0, max(0.0, (self.kimg - images / 1000) / self.cool_down_kimg))

    def check_start(self, from_model: bool) -> None:
        """Raise `LookalikeError` if something is to be kept of a stored model, but the run does not start from one."""
        for name in ("last_layers", "keep_coarse"):
            if getattr(self, name) and not from_model:
                raise LookalikeError(
                    "missing-option",
                    f"{name} keeps what a stored model has learned, but the run starts anew; give --from MODEL",
                )

    def check_processes(self, processes: int) -> None:
        """Raise `LookalikeError` unless the batch can be divided between processes in whole groups."""
        if self.batch % (processes * GROUP):
            raise LookalikeError(
                "out-of-range",
                f"a batch of {self.batch} cannot be divided between {processes} processes in groups of {GROUP}; "
                f"give a --batch that is a multiple of {processes * GROUP}",
            )

    def check_precision(self, launched: str) -> None:
        """Raise `LookalikeError` if `accelerate launch` was given another precision than the run's."""
        if launched not in ("no", self.precision):
            raise LookalikeError(
                "conflicting-options",
                f"accelerate was launched with mixed precision {launched}, but the run's is {self.precision}; "
                f"give --precision {launched if launched in PRECISIONS else 'bf16'}, or launch without",
            )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Settings:
        """From `to_dict`; other entries are ignored. Raises `LookalikeError` if these are not a run's settings."""
        known = {one.name: stored[one.name] for one in fields(cls) if one.name in stored}
        try:
            return cls(**(known | {"architecture": Architecture(**stored["architecture"])}))
        except (KeyError, TypeError) as error:
            raise LookalikeError(
                "not-a-run", f"not the settings of a training run ({error}); name a run's folder"
            ) from None


PRESETS = {
    # 64 px: trains on a CPU.
    "tiny": Settings(),
    # 128 px: one small GPU.
    "small": Settings(
        Architecture(128, z_dim=256, w_dim=256, channel_base=4096, channel_max=256),
        kimg=5000.0,
        stage_kimg=150.0,
        fade_kimg=150.0,
        ada_kimg=250.0,
        snapshot_kimg=50.0,
    ),
    # 256 px: Karras 2019 at full width, with what Karras 2020 adds for few images.
    "paper": Settings(
        Architecture(256, z_dim=512, w_dim=512, channel_base=16384, channel_max=512),
        kimg=10000.0,
        learning_rate=1e-3,
        r1_gamma=10.0,
        ada_kimg=500.0,
        progressive=True,
        stage_kimg=600.0,
        fade_kimg=600.0,
        snapshot_kimg=100.0,
    ),
}
