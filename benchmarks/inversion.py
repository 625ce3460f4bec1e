"""How much cheaper inversion is than the reference procedure, and how much nearer its images are.

    python -m benchmarks.inversion patches                    8 select patches, the shipped model, 12 and 24 steps
    python -m benchmarks.inversion patches --images 16 --steps 50 --json > figures.json
    python -m benchmarks.inversion                            images of seeds instead of patches

The reference is in-domain inversion as its authors' code does it (Zhu, Shen, Zhao & Zhou 2020, arXiv:2004.00049;
genforce/idinvert_pytorch): one image at a time, from the encoder's code, 100 steps of Adam at .01 on the raw codes of
all layers with fixed noise; squared error of pixels, plus VGG16's features of both images in every step, plus 2 x the
squared distance from the encoder's code; gradients reach every parameter, although only the code is changed. It uses
the same networks in the same process, and the perceptual weight is ours, as the printed 5e-5 belongs to features of
another scale (`--printed` uses it). Loss is squared error plus that weight x VGG, of the final images of both.

Processor seconds are of one thread, without loading. VGG16's weights are those that `LOOKALIKE_VGG16` names.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from data.shipped import DEFAULT_MODEL
from gan.checkpoint import Model, load_model
from gan.generate import images_from_seeds
from gan.inversion.encoder_file import StoredEncoder, load_encoder
from gan.inversion.encoder_run import NOISE_SEED
from gan.inversion.invert import invert
from gan.inversion.measures import psnr
from gan.inversion.objective import PRINTED_WEIGHT, calibrated_weight
from gan.inversion.settings import InversionSettings
from gan.networks.features import Vgg16, load_vgg16
from gan.networks.generator import noise_from_seed
from lookalike.memory import reuse_freed_memory
from stimuli.images import Pixels
from stimuli.patches import read_patches

REFERENCE_STEPS, REFERENCE_RATE, REFERENCE_CODE_WEIGHT = 100, 0.01, 2.0


def reference(model: Model, encoder: StoredEncoder, features: Vgg16, image: Tensor, weight: float) -> Tensor:
    """The reference procedure for one image (1, 1, R, R) in [-1, 1]: its reconstruction."""
    networks: list[nn.Module] = [model.generator, encoder.network, features]
    for network in networks:
        network.requires_grad_(True)
    noise = noise_from_seed(model.generator, NOISE_SEED)
    code = encoder.network(image).detach().requires_grad_(True)
    adam = torch.optim.Adam([code], lr=REFERENCE_RATE)
    for _ in range(REFERENCE_STEPS):
        made = model.generator.synthesis(code, noise)
        loss = (made - image).square().mean()
        loss = loss + weight * (features(made) - features(image)).square().mean()
        loss = loss + REFERENCE_CODE_WEIGHT * (code - encoder.network(made)).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    for network in networks:
        for parameter in network.parameters():
            parameter.grad = None
        network.requires_grad_(False)
    with torch.no_grad():
        found: Tensor = model.generator.synthesis(code, noise)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patches", type=Path, nargs="?", help="patch set; its select split is inverted")
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--steps", type=int, nargs="+", default=[12, 24], help="of ours")
    parser.add_argument("--printed", action="store_true", help="the reference with the printed perceptual weight")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    reuse_freed_memory()  # as every command of `lookalike` does
    torch.set_num_threads(1)
    model = load_model(chosen.model)
    encoder, features = load_encoder(chosen.model, model), load_vgg16()
    images = _images(chosen.patches, model, chosen.images)
    weight = encoder.training.get("settings", {}).get("perceptual_weight") or calibrated_weight(
        model.generator, features
    )
    x = torch.from_numpy(images).unsqueeze(1) * 2 - 1
    figures = {}
    for steps in chosen.steps:
        used = time.process_time()
        settings = InversionSettings(steps=steps, batch=min(8, len(images)), perceptual_weight=weight)
        ours = invert(model, encoder, features, images, settings).images
        figures[f"{steps} steps"] = _figures(torch.from_numpy(ours).unsqueeze(1) * 2 - 1, x, features, weight, used)
    used, made = time.process_time(), []
    for image in x.split(1):
        made.append(reference(model, encoder, features, image, PRINTED_WEIGHT if chosen.printed else weight))
    figures["reference"] = _figures(torch.cat(made), x, features, weight, used)
    for row in figures.values():
        row["times_cheaper"] = figures["reference"]["processor_s"] / row["processor_s"]
    if chosen.json:
        print(json.dumps({"images": len(images), "weight": weight, "figures": figures}))
        return
    print(f"{len(images)} images, perceptual weight {weight:.3g}, torch {torch.__version__}, one thread")
    for name, row in figures.items():
        print(f"  {name:10}" + "".join(f"  {key} {value:.4g}" for key, value in row.items()))


def _images(patches: Path | None, model: Model, count: int) -> Pixels:
    if patches is None:
        return images_from_seeds(model.generator, range(count), psi=1.0)
    found = read_patches(patches)
    rows = found.select("select")
    return found.read_all(rows.iloc[np.linspace(0, len(rows) - 1, count).astype(int)])


@torch.inference_mode()
def _figures(made: Tensor, x: Tensor, features: Vgg16, weight: float, began: float) -> dict[str, float]:
    seconds = (time.process_time() - began) / len(x)
    errors = (made - x).square().mean(dim=(1, 2, 3))
    vgg = (features(made) - features(x)).square().mean(dim=(1, 2, 3))
    return {
        "processor_s": seconds,
        "loss": float((errors + weight * vgg).mean()),
        "psnr_db": float(psnr(errors.double().numpy() / 4).mean()),
        "vgg": float(vgg.mean()),
    }


if __name__ == "__main__":
    main()
