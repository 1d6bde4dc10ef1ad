"""What the transformer is trained on: clips at all noise levels, with conditions of all kinds."""

from dataclasses import dataclass

import torch
from torch import Tensor

from configuration import STAGE_1_SIGMAS
from device import DEVICE
from networks.rope import audio_positions
from pool import Clips, Ragged

# How often the levels of the distilled schedule are drawn: the five near 1 are nearly one level.
SCHEDULE = torch.tensor(STAGE_1_SIGMAS[:-1], device=DEVICE)
SCHEDULE_SHARES = torch.tensor([0.20, 0.05, 0.05, 0.05, 0.05, 0.22, 0.20, 0.18], device=DEVICE)


@dataclass
class Noised:
    """One modality: tokens at a noise level each, and what the transformer is to say about them."""

    tokens: Tensor  # [B, N, C]
    timesteps: Tensor  # [B, N], or [B, 1] where it is the same for all tokens: much less to compute
    positions: Tensor  # [B, P, N, 2]
    clean: Tensor  # [B, N, C]
    noise: Tensor  # [B, N, C]
    weights: Tensor  # [B, N]: how much the answer counts
    padding: Tensor | None  # [B, 1, 1, N]

    def loss(self, velocity: Tensor) -> Tensor:
        squared = (velocity.float() - (self.noise - self.clean)).square().mean(2)
        return (squared * self.weights).sum() / (self.weights > 0).sum().clamp(min=1)


def draw_sigmas(count: int, schedule_share: float) -> Tensor:
    """[B]: from the distilled schedule, or anywhere between 0 and 1."""
    listed = SCHEDULE[torch.multinomial(SCHEDULE_SHARES, count, replacement=True)]
    return torch.where(_random(count) < schedule_share, listed, _random(count).clamp(min=0.02))


def noised_video(clips: Clips, sigmas: Tensor) -> Noised:
    """Some batches have a first picture, some an end picture, some neither."""
    clean, present, is_full = clips.video.values, clips.video.present, clips.video.is_full
    mask = torch.ones_like(sigmas)[:, None]
    weights, positions = clips.liveliness, clips.positions
    if torch.rand(()) < 0.35:
        mask = torch.where(clips.frame == 0, _strength_mask(len(clean)), 1.0)
    if clips.last is not None and torch.rand(()) < 0.35:
        area = clips.last.present.shape[1]
        mask = torch.cat([mask.expand(present.shape), _strength_mask(len(clean)).expand(-1, area)], 1)
        weights = torch.cat([weights, torch.zeros_like(clips.last.values[..., 0])], 1)
        clean = torch.cat([clean, clips.last.values], 1)
        present = torch.cat([present, clips.last.present], 1)
        is_full = is_full and clips.last.is_full
        positions = torch.cat([positions, clips.last_positions], 2)
    return _noised(Ragged(clean, present, is_full), mask, weights, sigmas, positions)


def noised_audio(clips: Clips, sigmas: Tensor) -> Noised:
    """Mostly the recording as it is; sometimes partly or wholly to be made."""
    batch, count = clips.audio.present.shape
    kind = torch.rand(())
    mask = torch.zeros_like(sigmas) if kind < 0.7 else _random(batch) if kind < 0.88 else torch.ones_like(sigmas)
    weights = torch.ones_like(clips.audio.values[..., 0])
    return _noised(clips.audio, mask[:, None], weights, sigmas, audio_positions(count, batch, DEVICE))


def _strength_mask(batch: int) -> Tensor:
    """[B, 1]: 1 − strength, mostly 0."""
    return torch.where(_random(batch, 1) < 0.6, 0.0, _random(batch, 1))


def _random(*shape: int) -> Tensor:
    return torch.rand(shape, device=DEVICE)


def _noised(clips: Ragged, mask: Tensor, weights: Tensor, sigmas: Tensor, positions: Tensor) -> Noised:
    timesteps = mask * sigmas[:, None]
    noise = torch.randn_like(clips.values)
    tokens = clips.values + timesteps[..., None] * (noise - clips.values)
    return Noised(tokens, timesteps, positions, clips.values, noise, weights * (mask > 0) * clips.present, clips.padding)


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
