"""The files of the miniature, in the official layout: one bundle, an upscaler, a Gemma folder."""

import json
import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import configuration as c
from networks.audio_vae import AudioVae
from networks.connectors import TextConnectors
from networks.gemma import Gemma
from networks.transformer import Transformer
from networks.upsampler import LatentUpsampler
from networks.video_vae import VideoVae
from networks.vocoder import Vocoder
from trainers.partners import join

# What trainings keep, and where the finished files go; a trial run names others.
RUNS = Path(os.environ.get("TRAINING_RUNS", Path(__file__).parent / "runs"))
NANO = Path(os.environ.get("TRAINING_OUTPUT", Path(__file__).parent.parent / "models/nano"))
BUNDLE = "ltx-2-nano-distilled.safetensors"
UPSCALER = "ltx-2-nano-spatial-upscaler-x2-1.0.safetensors"

NETWORKS = {
    "video_vae": lambda: VideoVae(c.VAE),
    "audio_vae": lambda: AudioVae(c.AUDIO_VAE),
    "vocoder": lambda: Vocoder(c.VOCODER),
    "upsampler": lambda: LatentUpsampler(c.UPSAMPLER),
    "gemma": lambda: Gemma(c.GEMMA),
    "connectors": lambda: TextConnectors(c.TRANSFORMER, c.GEMMA["num_hidden_layers"] + 1),
    "transformer": lambda: Transformer(c.TRANSFORMER),
}
# What the weights of each network are called in the bundle.
PREFIXES = {
    "video_vae": "vae.",
    "audio_vae": "audio_vae.",
    "vocoder": "vocoder.",
    "transformer": "model.diffusion_model.",
}


def weights_file(name: str) -> Path:
    return RUNS / f"{name}.safetensors"


def save_network(name: str, network: nn.Module) -> None:
    """Keeps the trained weights, replacing the file only when the new one is whole. Partners leave it to the first."""
    if join() > 0:
        return
    RUNS.mkdir(parents=True, exist_ok=True)
    path = weights_file(name)
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, path.with_suffix(".new"))
    path.with_suffix(".new").rename(path)


def load_network(name: str, *, rounded: bool = True) -> nn.Module:
    """A trained network for use, with its weights as they will be in the file (bf16) unless it is to be trained on."""
    network = NETWORKS[name]()
    state = load_file(weights_file(name))
    network.load_state_dict({k: v.bfloat16().float() if rounded else v for k, v in state.items()})
    return network.eval().requires_grad_(False) if rounded else network


def bundle_key(name: str, key: str) -> str:
    if name != "connectors":
        return PREFIXES[name] + key
    return f"text_embedding_projection.{key}" if key.startswith("aggregate_embed") else f"model.diffusion_model.{key}"


def write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.bfloat16().contiguous() for k, v in tensors.items()}, path, {"format": "pt", **metadata})


def write_nano(networks: dict[str, nn.Module], folder: Path = NANO) -> None:
    """Writes everything but the LoRAs and the tokenizer."""
    bundle = {
        bundle_key(name, key): value
        for name in ("video_vae", "audio_vae", "vocoder", "connectors", "transformer")
        for key, value in networks[name].state_dict().items()
    }
    sections = {
        "transformer": c.TRANSFORMER, "vae": c.VAE, "audio_vae": c.AUDIO_VAE, "vocoder": c.VOCODER, "scheduler": c.SCHEDULER,
    }
    write(folder / BUNDLE, bundle, {"config": json.dumps(sections), "model_version": "2.0.0"})
    write(folder / UPSCALER, networks["upsampler"].state_dict(), {"config": json.dumps(c.UPSAMPLER)})
    text = {f"language_model.model.{key}": value for key, value in networks["gemma"].state_dict().items()}
    write(folder / "gemma/model.safetensors", text, {})
    config = {
        "architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "torch_dtype": "bfloat16",
        "eos_token_id": [1, 106], "text_config": c.GEMMA,
    }
    (folder / "gemma/config.json").write_text(json.dumps(config, indent=1) + "\n")


def main() -> None:
    with torch.no_grad():
        write_nano({name: load_network(name) for name in NETWORKS})
    total = sum(file.stat().st_size for file in NANO.rglob("*") if file.is_file())
    print(f"{NANO}: {total / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
