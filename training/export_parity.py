"""Records what the trained networks compute here, for `soundstage parity`: ./run export_parity FOLDER.

A second source beside the published reference: trained weights, other sizes, same file format.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

import configuration as c
from checkpoint import BUNDLE, NANO, UPSCALER
from networks.rope import audio_positions, video_positions
from parity import EVALUATORS, Networks, Tensors

# The names that the format prescribes.
NAMES = {BUNDLE: "ltx-2-tiny.safetensors", UPSCALER: "ltx-2-tiny-spatial-upscaler-x2.safetensors", "gemma": "gemma"}
TOLERANCE = {"max_abs": 5e-3, "rel_l2": 5e-4}


def inputs() -> dict[str, tuple[str, Tensors]]:
    """Case → module and inputs."""
    torch.manual_seed(21)
    channels, bins = c.LATENT_CHANNELS, 16 * c.Z_CHANNELS
    ids = torch.randint(107, c.GEMMA["vocab_size"], (1, 24))
    mask = torch.ones(1, 24, dtype=torch.long)
    ids[:, :5] = mask[:, :5] = 0
    ids[:, 5] = 2
    seconds = torch.arange(24_000) / 16_000
    waveform = (0.2 * torch.sin(2 * torch.pi * 220 * seconds) * (1 + torch.sin(9 * seconds))).expand(1, 2, -1).contiguous()
    mel = torch.randn(1, 2, 41, 64) * 2 - 6
    return {
        "nano_gemma": ("gemma_hidden_states", {"ids": ids.int(), "mask": mask.int()}),
        "nano_connectors": ("connectors", {"features": torch.randn(1, 256, c.TEXT_WIDTH), "mask": _left_padded(256, 19)}),
        "nano_dit": ("dit", _transformer_inputs(channels, bins)),
        "nano_video_encode": ("video_vae_encode", {"video": torch.rand(1, 3, 17, 64, 96) * 2 - 1}),
        "nano_video_decode": ("video_vae_decode", {"latent": torch.randn(1, channels, 3, 2, 3)}),
        "nano_upsample": ("latent_upsample", {"latent": torch.randn(1, channels, 3, 4, 3)}),
        "nano_log_mel": ("log_mel", {"waveform": waveform}),
        "nano_audio_encode": ("audio_vae_encode", {"mel": mel}),
        "nano_audio_decode": ("audio_vae_decode", {"latent": torch.randn(1, c.Z_CHANNELS, 11, 16)}),
        "nano_vocoder": ("vocoder", {"mel": mel}),
    }


def _left_padded(length: int, words: int) -> Tensor:
    return (torch.arange(length) >= length - words).int()[None]


def _transformer_inputs(channels: int, bins: int) -> Tensors:
    frames, height, width, count, sigma = 3, 4, 6, 17, 0.725
    tokens = frames * height * width
    timesteps = torch.full((1, tokens, 1), sigma)
    timesteps[:, : height * width] = 0
    return {
        "video_tokens": torch.randn(1, tokens, channels), "audio_tokens": torch.randn(1, count, bins),
        "video_timesteps": timesteps, "audio_timesteps": torch.zeros(1, count, 1),
        "video_sigma": torch.tensor([sigma]), "audio_sigma": torch.tensor([sigma]),
        "video_positions": video_positions(frames, height, width, torch.tensor([25.0])),
        "audio_positions": audio_positions(count, 1).contiguous(),
        "video_context": torch.randn(1, 128, c.TEXT_WIDTH), "audio_context": torch.randn(1, 128, c.TEXT_WIDTH),
    }


def main(folder: Path) -> None:
    torch.set_grad_enabled(False)
    checkpoint = folder / "checkpoint"
    checkpoint.mkdir(parents=True, exist_ok=True)
    for source, target in NAMES.items():
        copy = shutil.copytree if (NANO / source).is_dir() else shutil.copy
        copy(NANO / source, checkpoint / target, **({"dirs_exist_ok": True} if copy is shutil.copytree else {}))
    networks = Networks(checkpoint)
    tensors, cases = {}, []
    for name, (module, given) in inputs().items():
        params = {"variant": "own"} if module == "dit" else {}
        made = EVALUATORS[module](networks, given, params)
        for key, value in {**given, **made}.items():
            tensors[f"{name}/{key}"] = value.clone().contiguous()
        cases.append({
            "name": name, "module": module, "params": params, "tolerance": TOLERANCE,
            "inputs": {key: f"{name}/{key}" for key in given}, "outputs": {key: f"{name}/{key}" for key in made},
            "source": "training/networks on the weights in models/nano",
        })
    save_file(tensors, folder / "cases.safetensors")
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "cases": cases}, indent=1))
    print(f"{len(cases)} cases in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
