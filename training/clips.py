"""The transformer's examples on disk: latents of drawn clips with their sounds, in shards of one form each."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from checkpoint import RUNS
from networks.audio_vae import AudioVae
from networks.mel import log_mel
from networks.video_vae import VideoVae
from world.camera import camera_path
from world.canvas import Camera
from world.draw import draw
from world.scene import Scene, Thing
from world.sound import RATE, analyse

NOISE_FLOOR = 10 ** (-60 / 20)


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


def pictures(recipe: Recipe, scale: int = 32) -> Tensor:
    """[1, 3, T, H, W] in −1…1; `scale` 16 draws the same at half the size."""
    frames = 8 * recipe.form.frames - 7
    sound = analyse(recipe.waveform, frames, recipe.fps)
    path: Camera = camera_path(recipe.camera, frames, recipe.fps, np.random.default_rng(recipe.pace))
    height, width = recipe.form.height * scale, recipe.form.width * scale
    drawn = draw(recipe.scene, sound, recipe.fps, height, width, path, recipe.style)
    # As a picture file holds them.
    return (drawn * 255).round().permute(3, 0, 1, 2)[None] / 127.5 - 1


def sound_latents(audio: AudioVae, recipe: Recipe, random: np.random.Generator) -> Tensor:
    """[count, z·16], count = round(seconds · 25), with the noise floor that conditioning adds."""
    seconds = (8 * recipe.form.frames - 7) / recipe.fps
    count = max(1, round(seconds * 25))
    waveform = np.zeros(max(640 * count, 1024), np.float32)
    kept = recipe.waveform[: len(waveform)]
    waveform[: len(kept)] = kept
    waveform += NOISE_FLOOR * random.standard_normal(len(waveform)).astype(np.float32)
    mel = log_mel(torch.from_numpy(waveform).expand(1, 2, -1))
    return audio.encode(mel)[0, :count]


def seconds_of(form: Form, fps: float) -> float:
    return (8 * form.frames - 7) / fps + 0.1


@dataclass(frozen=True)
class Shard:
    """Clips of one form and rate. Tensors are float16."""

    video: Tensor  # [n, F, h, w, C]
    last: Tensor  # [n, h, w, C]: the last frame as a picture of its own
    audio: Tensor  # [n, Na, z·16]
    scenes: list[Scene]
    fps: float
    half: Tensor | None = None  # [n, F, h/2, w/2, C]: the same drawn at half the size


def make_shard(recipes: list[Recipe], video: VideoVae, audio: AudioVae, seed: int, halves: bool = False) -> Shard:
    """Recipes of one form and rate → their latents."""
    random = np.random.default_rng(seed)
    rows: dict[str, list[Tensor]] = {"video": [], "last": [], "audio": [], "half": []}
    for recipe in recipes:
        frames = pictures(recipe)
        rows["video"].append(_encode(video, frames))
        rows["last"].append(_encode(video, frames[:, :, -1:])[0])
        rows["audio"].append(sound_latents(audio, recipe, random))
        if halves:
            rows["half"].append(_encode(video, pictures(recipe, scale=16)))
    stacked = {key: torch.stack(value).half() for key, value in rows.items() if value}
    return Shard(**stacked, scenes=[recipe.scene for recipe in recipes], fps=recipes[0].fps)


def _encode(video: VideoVae, frames: Tensor) -> Tensor:
    """[1, 3, T, H, W] → [F, h, w, C]"""
    with torch.no_grad():
        return video.encode(frames)[0].permute(1, 2, 3, 0)


def save_shard(shard: Shard, path: Path) -> None:
    tensors = {"video": shard.video, "last": shard.last, "audio": shard.audio}
    if shard.half is not None:
        tensors["half"] = shard.half
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"scenes": json.dumps([asdict(scene) for scene in shard.scenes]), "fps": str(shard.fps)}
    save_file(tensors, path.with_suffix(".new"), metadata)
    path.with_suffix(".new").rename(path)


def load_shard(path: Path) -> Shard:
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    return Shard(**load_file(path), scenes=[_scene(s) for s in json.loads(metadata["scenes"])], fps=float(metadata["fps"]))


def _scene(stored: dict) -> Scene:
    return Scene(**{**stored, "things": tuple(Thing(**thing) for thing in stored["things"])})


def shard_folder(name: str) -> Path:
    return RUNS / "clips" / name
