"""VGG16's published weights, downloaded once and only on request; the layers needed are kept as safetensors."""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.request
from collections.abc import Callable, Collection
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO

import torch
from safetensors.torch import save

from data.errors import LookalikeError
from data.files import write_bytes

# torchvision's VGG16_Weights.IMAGENET1K_V1; its name holds the first eight digits of the hash.
URL = "https://download.pytorch.org/models/vgg16-397923af.pth"
SHA256 = "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"
CACHED = "vgg16-conv4_3.safetensors"
_TIMEOUT_S = 60
_REMEDY = "try again, or download a file yourself and name it with --vgg16"


def cache_folder() -> Path:
    """The folder for downloaded files: `lookalike` in `$XDG_CACHE_HOME`, or in `.cache` of the user's home."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lookalike"


def fetch_vgg16(names: Collection[str], progress: Callable[[str], None] = lambda _: None) -> Path:
    """The cached safetensors file with the tensors `names` of VGG16; downloaded first (528 MB) if it is missing.

    The download is checked against its published SHA-256 before anything reads it, and is read as tensors
    only, never unpickled otherwise. Raises `LookalikeError` if it fails or gives another file.
    """
    cached = cache_folder() / CACHED
    if cached.is_file():
        return cached
    cached.parent.mkdir(parents=True, exist_ok=True)
    progress(f"downloading {URL} (528 MB, once) into {cached.parent}")
    with tempfile.TemporaryDirectory(dir=cached.parent) as folder:
        fetched = Path(folder) / "fetched.pth"
        with open(fetched, "wb") as file:
            digest = _fetch(file)
        if digest != SHA256:
            raise LookalikeError(
                "download-failed", f"{URL}: its SHA-256 is {digest}, not the published {SHA256}; {_REMEDY}"
            )
        write_bytes(cached, save(_read(fetched, names)))
    return cached


def _fetch(file: BinaryIO) -> str:
    """Write the content of `URL` to `file`; returns its SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(URL, timeout=_TIMEOUT_S) as answer:
            while chunk := answer.read(1 << 20):
                digest.update(chunk)
                file.write(chunk)
    except (OSError, HTTPException) as error:
        raise LookalikeError(
            "download-failed", f"{URL}: cannot be downloaded ({getattr(error, 'reason', error)}); {_REMEDY}"
        ) from None
    return digest.hexdigest()


def _read(path: Path, names: Collection[str]) -> dict[str, torch.Tensor]:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        return {name: found[name].float().contiguous() for name in names}
    except Exception as error:  # torch raises many kinds of error on a file that holds something else
        raise LookalikeError(
            "wrong-weights", f"{URL}: not the weights of VGG16 ({str(error).splitlines()[0]}); {_REMEDY}"
        ) from None
