"""The transformer's examples on disk: latents of drawn clips with their sounds, in shards of one form each."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from checkpoint import RUNS
from device import DEVICE, by_device
from networks.audio_vae import AudioVae
from networks.mel import log_mel
from networks.video_vae import VideoVae
from world.camera import camera_path
from world.canvas import Camera
from world.caption import full_caption, polished_caption, short_caption
from world.draw import draw
from world.scene import Scene
from world.sound import RATE, analyze

NOISE_FLOOR = 10 ** (-60 / 20)
# Prompts are expanded into full ones before they come to the transformer, unless that is switched off.
WORDINGS = (polished_caption, full_caption, full_caption, full_caption, short_caption, short_caption)
# Tokens that are encoded at once.
ENCODED_TOKENS = by_device(1000, 8000)


@dataclass(frozen=True)
class Form:
    """Latent frames, height and width."""

    frames: int
    height: int
    width: int

    @property
    def tokens(self) -> int:
        return self.frames * self.height * self.width


@dataclass(frozen=True)
class Recipe:
    """All that a clip is drawn from."""

    scene: Scene
    waveform: np.ndarray  # [n] at 16 kHz
    fps: float
    form: Form
    camera: str = "static"
    style: str = "plain"
    pace: int = 0  # seeds the camera's pace


@dataclass(frozen=True)
class Drawings:
    """Clips of one form and rate, as picture files and recordings would hold them."""

    video: Tensor  # [n, 3, T, H, W] uint8
    sound: Tensor  # [n, samples] at 16 kHz
    captions: list[list[str]]  # for each clip, one of each of WORDINGS
    fps: float
    half: Tensor | None  # [n, 3, T, H/2, W/2] uint8: the same drawn at half the size


@dataclass(frozen=True)
class Shard:
    """Drawings as the transformer sees them. Tensors are float16."""

    video: Tensor  # [n, F, h, w, C]
    last: Tensor  # [n, h, w, C]: the last frame as a picture of its own
    audio: Tensor  # [n, Na, z·16]
    captions: list[list[str]]
    fps: float
    half: Tensor | None = None  # [n, F, h/2, w/2, C]


def seconds_of(form: Form, fps: float) -> float:
    return (8 * form.frames - 7) / fps + 0.1


def draw_clips(recipes: list[Recipe], random: np.random.Generator, *, halves: bool = False) -> Drawings:
    """Recipes of one form and rate → what is seen and heard."""
    return Drawings(
        torch.stack([pictures(recipe) for recipe in recipes]),
        torch.stack([conditioning_sound(recipe, random) for recipe in recipes]),
        [[wording(recipe.scene, random) for wording in WORDINGS] for recipe in recipes],
        recipes[0].fps,
        torch.stack([pictures(recipe, scale=16) for recipe in recipes]) if halves else None,
    )


def pictures(recipe: Recipe, scale: int = 32) -> Tensor:
    """[3, T, H, W] uint8; `scale` 16 draws the same at half the size."""
    frames = 8 * recipe.form.frames - 7
    sound = analyze(recipe.waveform, frames, recipe.fps)
    path: Camera = camera_path(recipe.camera, frames, recipe.fps, np.random.default_rng(recipe.pace))
    height, width = recipe.form.height * scale, recipe.form.width * scale
    drawn = draw(recipe.scene, sound, recipe.fps, height, width, path, recipe.style)
    return (drawn.permute(3, 0, 1, 2) * 255).round().byte()


def conditioning_sound(recipe: Recipe, random: np.random.Generator) -> Tensor:
    """[samples]: as long as its latents, with the noise floor that conditioning adds."""
    waveform = np.zeros(max(640 * int(audio_counts(recipe.form.frames, recipe.fps)), 1024), np.float32)
    kept = recipe.waveform[: len(waveform)]
    waveform[: len(kept)] = kept
    return torch.from_numpy(waveform + NOISE_FLOOR * random.standard_normal(len(waveform)).astype(np.float32))


def audio_counts(frames: np.ndarray | int, fps: np.ndarray | float) -> np.ndarray:
    """Latents of the sound beside so many latents of the picture: 25 a second."""
    return np.maximum(1, np.round((8 * frames - 7) / fps * 25).astype(np.int64))


@torch.no_grad()
def encode_clips(drawings: Drawings, video: VideoVae, audio: AudioVae) -> Shard:
    encode = lambda pixels: _encode(video, pixels)  # noqa: E731
    latents = encode(drawings.video)
    mel = log_mel(drawings.sound.to(DEVICE)[:, None].expand(-1, 2, -1))
    return Shard(
        latents,
        encode(drawings.video[:, :, -1:])[:, 0],
        audio.encode(mel)[:, : audio_counts(latents.shape[1], drawings.fps)].half().cpu(),
        drawings.captions,
        drawings.fps,
        None if drawings.half is None else encode(drawings.half),
    )


def _encode(video: VideoVae, pixels: Tensor) -> Tensor:
    """[n, 3, T, H, W] uint8 → [n, F, h, w, C] float16"""
    count = max(1, ENCODED_TOKENS * 8 * 32 * 32 // pixels[0, 0].numel())
    parts = [video.encode(part.to(DEVICE).float() / 127.5 - 1) for part in pixels.split(count)]
    return torch.cat(parts).permute(0, 2, 3, 4, 1).half().cpu()


def save_shard(shard: Shard, path: Path) -> None:
    tensors = {"video": shard.video, "last": shard.last, "audio": shard.audio}
    if shard.half is not None:
        tensors["half"] = shard.half
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"captions": json.dumps(shard.captions), "fps": str(shard.fps)}
    save_file({key: value.contiguous() for key, value in tensors.items()}, path.with_suffix(".new"), metadata)
    path.with_suffix(".new").rename(path)


def load_shard(path: Path) -> Shard:
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    return Shard(**load_file(path), captions=json.loads(metadata["captions"]), fps=float(metadata["fps"]))


def tokens_in(path: Path) -> int:
    """Of all clips of a shard."""
    with safe_open(path, "pt") as file:
        count, frames, height, width, _ = file.get_slice("video").get_shape()
    return count * Form(frames, height, width).tokens


def shard_folder(name: str) -> Path:
    return RUNS / "clips" / name
