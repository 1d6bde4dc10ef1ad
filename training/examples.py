"""Batches for the transformer: clips from the shards on disk, captioned, conditioned and noised."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from clips import Form, Shard, load_shard
from configuration import STAGE_1_SIGMAS
from partners import own
from networks.rope import audio_positions, keyframe_positions, video_positions
from world.caption import full_caption, short_caption

MOST_TOKENS = 2600
# Reading a caption costs as much as a few dozen tokens.
MOST_CLIPS = 32
# Prompts are expanded into full ones before they come here, unless that is switched off.
FULL_CAPTIONS = 0.7
# What moves is a small part of a picture, and the hardest: the most that a token counts, where a still one counts 1.
MOST_LIVELY = 5
RELOAD_STEPS = 200
# How often the levels of the distilled schedule are drawn: the five near 1 are nearly one level.
SCHEDULE = torch.tensor(STAGE_1_SIGMAS[:-1])
SCHEDULE_SHARES = torch.tensor([0.20, 0.05, 0.05, 0.05, 0.05, 0.22, 0.20, 0.18])


@dataclass
class Clips:
    """A batch as stored, with a caption each."""

    video: Tensor  # [B, F, h, w, C]
    last: Tensor | None  # [B, h, w, C], unless the clips go on
    audio: Tensor  # [B, Na, z·16]
    captions: list[str]
    fps: float

    @property
    def form(self) -> Form:
        return Form(*self.video.shape[1:4])


def batches(folder: Path, seed: int) -> Iterator[Clips]:
    """Without end. New shards are taken up as they appear."""
    random = np.random.default_rng(own(seed))
    alike: dict[tuple, dict[Path, Shard]] = {}
    while True:
        for path in sorted(folder.glob("*.safetensors")):
            if not any(path in shards for shards in alike.values()):
                shard = load_shard(path)
                alike.setdefault((*shard.video.shape[2:4], shard.fps), {})[path] = shard
        groups = [list(shards.values()) for shards in alike.values()]
        if not groups:
            raise SystemExit(f"there are no clips in {folder}: run make_clips.py first")
        shares = np.array([len(group) for group in groups]) / sum(map(len, groups))
        for _ in range(RELOAD_STEPS):
            yield _batch(groups[random.choice(len(groups), p=shares)], random)


def _batch(alike: list[Shard], random: np.random.Generator) -> Clips:
    """Clips of one size and rate, as many as there is room for. Half of the batches are of their first moments only.

    What a caption means is learned from many clips, how things move from long ones.
    """
    first = alike[random.integers(len(alike))]
    frames = first.video.shape[1] if random.random() < 0.5 else int(random.integers(1, 4))
    frames = min(frames, first.video.shape[1])
    fitting = min(MOST_CLIPS, max(2, MOST_TOKENS // Form(frames, *first.video.shape[2:4]).tokens))
    others = [shard for shard in alike if shard is not first and shard.video.shape[1] >= frames]
    random.shuffle(others)
    rows: list[tuple[Shard, int]] = []
    for shard in [first, *others]:
        rows += [(shard, i) for i in random.permutation(len(shard.scenes))[: fitting - len(rows)]]
    count = max(1, round((8 * frames - 7) / first.fps * 25))
    whole = all(shard.video.shape[1] == frames for shard, _ in rows)
    return Clips(
        torch.stack([shard.video[i, :frames] for shard, i in rows]).float(),
        torch.stack([shard.last[i] for shard, i in rows]).float() if whole else None,
        torch.stack([shard.audio[i, :count] for shard, i in rows]).float(),
        [(full_caption if random.random() < FULL_CAPTIONS else short_caption)(shard.scenes[i], random) for shard, i in rows],
        first.fps,
    )


@dataclass
class Noised:
    """One modality: tokens at a noise level each, and what the transformer is to say about them."""

    tokens: Tensor  # [B, N, C]
    timesteps: Tensor  # [B, N]
    positions: Tensor  # [B, P, N, 2]
    clean: Tensor  # [B, N, C]
    noise: Tensor  # [B, N, C]
    weights: Tensor  # [B, N]: how much the answer counts

    def loss(self, velocity: Tensor) -> Tensor:
        squared = (velocity.float() - (self.noise - self.clean)).square().mean(2)
        return (squared * self.weights).sum() / (self.weights > 0).sum().clamp(min=1)


def draw_sigmas(count: int, schedule_share: float) -> Tensor:
    """[B]: from the distilled schedule, or anywhere between 0 and 1."""
    listed = SCHEDULE[torch.multinomial(SCHEDULE_SHARES, count, replacement=True)]
    return torch.where(torch.rand(count) < schedule_share, listed, torch.rand(count).clamp(min=0.02))


def noised_video(clips: Clips, sigmas: Tensor) -> Noised:
    """Some batches have a first picture, some an end picture, some neither."""
    form, batch = clips.form, len(clips.video)
    fps = torch.full((batch,), clips.fps)
    clean = clips.video.flatten(1, 3)  # [B, N, C]
    mask = torch.ones(clean.shape[:2])
    weights = liveliness(clips.video)
    positions = video_positions(form.frames, form.height, form.width, fps)
    area = form.height * form.width
    if torch.rand(()) < 0.35:
        mask[:, :area] = _strength_mask(batch)
    if clips.last is not None and torch.rand(()) < 0.35:
        clean = torch.cat([clean, clips.last.flatten(1, 2)], 1)
        mask = torch.cat([mask, _strength_mask(batch).expand(-1, area)], 1)
        weights = torch.cat([weights, torch.zeros(batch, area)], 1)
        at = torch.full((batch,), 8.0 * form.frames - 8)
        positions = torch.cat([positions, keyframe_positions(at, form.height, form.width, fps)], 2)
    return _noised(clean, mask, weights, sigmas, positions)


def liveliness(video: Tensor) -> Tensor:
    """[B, F, h, w, C] → [B, N]: how much each token's loss counts, more where the picture differs from its own mean."""
    moving = video[:, 1:]  # the first latent is of one frame, the others of eight
    if moving.shape[1] < 2:
        return torch.ones(video.shape[:4]).flatten(1)
    change = (moving - moving.mean(1, keepdim=True)).square().mean((1, 4))  # [B, h, w]
    relative = change / change.mean((1, 2), keepdim=True).clamp(min=1e-3)
    return (1 + relative).clamp(max=MOST_LIVELY)[:, None].expand(video.shape[:4]).flatten(1)


def noised_audio(clips: Clips, sigmas: Tensor) -> Noised:
    """Mostly the recording as it is; sometimes partly or wholly to be made."""
    batch, count = clips.audio.shape[:2]
    kind = torch.rand(())
    mask = torch.zeros(batch, 1) if kind < 0.7 else torch.rand(batch, 1) if kind < 0.88 else torch.ones(batch, 1)
    positions = audio_positions(count, batch)
    mask = mask.expand(-1, count)
    return _noised(clips.audio, mask, (mask > 0).float(), sigmas, positions)


def _strength_mask(batch: int) -> Tensor:
    """[B, 1]: 1 − strength, mostly 0."""
    return torch.where(torch.rand(batch, 1) < 0.6, 0.0, torch.rand(batch, 1))


def _noised(clean: Tensor, mask: Tensor, weights: Tensor, sigmas: Tensor, positions: Tensor) -> Noised:
    timesteps = mask * sigmas[:, None]
    noise = torch.randn_like(clean)
    tokens = clean + timesteps[..., None] * (noise - clean)
    return Noised(tokens, timesteps, positions, clean, noise, weights * (mask > 0))


def advance(stream: Noised, velocity: Tensor, sigma: float, following: float) -> None:
    """One step of the sampler: what is conditioned stays as it is, as far as its mask says."""
    mask = stream.timesteps[..., None] / sigma
    estimate = stream.tokens - velocity * stream.timesteps[..., None]
    estimate = estimate * mask + stream.clean * (1 - mask)
    stream.tokens = stream.tokens + (stream.tokens - estimate) / sigma * (following - sigma)
    stream.timesteps = stream.timesteps * (following / sigma)


def aim_at_clean(stream: Noised) -> None:
    """For tokens of the sampler's own making: the velocity that leads to the clean ones, its error counted there."""
    away = (stream.tokens - stream.clean) / stream.timesteps[..., None].clamp(min=1e-3)
    stream.noise = stream.clean + away
    stream.weights = stream.weights * stream.timesteps.square()
