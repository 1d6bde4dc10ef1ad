"""What the transformer is trained on: clips at all noise levels, with conditions of all kinds."""

from typing import NamedTuple

import torch
from torch import Tensor

from configuration import STAGE_1_SIGMAS, STAGE_2_SIGMAS
from device import DEVICE
from networks.rope import audio_positions
from clips.pool import Clips

# How often the levels of the schedule are drawn.
SCHEDULE = torch.tensor(STAGE_1_SIGMAS[:-1], device=DEVICE)
SCHEDULE_SHARES = torch.tensor([0.40, 0.22, 0.20, 0.18], device=DEVICE)
# A refinement's answer counts more than its low noise level would have it: there is no second step.
REFINEMENT_WEIGHT = 3.0


class Noised(NamedTuple):
    """One modality: tokens at a noise level each, and what the transformer is to say about them."""

    tokens: Tensor  # [B, N, C]
    sigmas: Tensor  # [B, L]: the noise levels of a clip's tokens
    levels: Tensor | None  # [B, N, L]: 1 at each token's level, else 0; where there is only one there is none
    positions: Tensor  # [B, P, N, 2]
    clean: Tensor  # [B, N, C]
    noise: Tensor  # [B, N, C]
    weights: Tensor  # [B, N]: how much the answer counts
    padding: Tensor | None  # [B, 1, 1, N]

    @property
    def timesteps(self) -> Tensor:
        """[B, N] or [B, 1]"""
        return self.sigmas if self.levels is None else (self.levels @ self.sigmas[..., None])[..., 0]

    def loss(self, velocity: Tensor) -> Tensor:
        squared = (velocity.float() - (self.noise - self.clean)).square().mean(2)
        return (squared * self.weights).sum() / (self.weights > 0).sum().clamp(min=1)


class Example(NamedTuple):
    video: Noised
    audio: Noised
    ids: Tensor  # [B, S], padded on the left
    mask: Tensor  # [B, S]


def example(clips: Clips, sigmas: Tensor) -> Example:
    return Example(noised_video(clips, sigmas), noised_audio(clips, sigmas), clips.ids, clips.mask)


def refinement(clips: Clips, begun: Tensor) -> Example:
    """The second stage: `begun` [B, N, C] is what the upsampler gives, and the clips' own latents are the aim."""
    sigmas = torch.full((len(clips.ids),), STAGE_2_SIGMAS[0], device=DEVICE)
    shown = example(clips, sigmas)
    video = shown.video
    # What is given is given at full size.
    free = video.timesteps == sigmas[:, None]
    start = torch.where(free[..., None], begun, video.clean)
    tokens = start + video.timesteps[..., None] * (video.noise - start)
    aimed = aimed_at_clean(video._replace(tokens=tokens))
    return shown._replace(video=aimed._replace(weights=REFINEMENT_WEIGHT * aimed.weights))


def draw_sigmas(count: int, schedule_share: float) -> Tensor:
    """[B]: from the distilled schedule, or anywhere between 0 and 1."""
    listed = SCHEDULE[torch.multinomial(SCHEDULE_SHARES, count, replacement=True)]
    return torch.where(_random(count) < schedule_share, listed, _random(count).clamp(min=0.02))


def noised_video(clips: Clips, sigmas: Tensor) -> Noised:
    """Some clips have a first picture, some an end picture (as stored), some neither."""
    given = 1 - torch.where(_random(len(sigmas)) < 0.35, _strengths(len(sigmas)), 0.0)
    masks = torch.stack([torch.ones_like(sigmas), given, 1 - _strengths(len(sigmas))], 1)
    kinds = torch.stack([~(clips.is_first | clips.is_last), clips.is_first, clips.is_last], 2).float()
    values, noise = clips.video.values, torch.randn_like(clips.video.values)
    noised = Noised(
        values, masks * sigmas[:, None], kinds, clips.positions, values, noise,
        clips.liveliness * clips.video.present, clips.video.padding,
    )
    return _at_its_levels(noised)


def noised_audio(clips: Clips, sigmas: Tensor) -> Noised:
    """Mostly the recording as it is; sometimes partly or wholly to be made."""
    batch, count = clips.audio.present.shape
    kind = _random(batch)
    mask = torch.where(kind < 0.7, 0.0, torch.where(kind < 0.88, _random(batch), 1.0))
    values, noise = clips.audio.values, torch.randn_like(clips.audio.values)
    noised = Noised(
        values, (mask * sigmas)[:, None], None, audio_positions(count, batch, DEVICE), values, noise,
        clips.audio.present.float(), clips.audio.padding,
    )
    return _at_its_levels(noised)


def _at_its_levels(clean: Noised) -> Noised:
    """What is not noised at all is not asked for either."""
    timesteps = clean.timesteps
    tokens = clean.clean + timesteps[..., None] * (clean.noise - clean.clean)
    return clean._replace(tokens=tokens, weights=clean.weights * (timesteps > 0))


def _strengths(batch: int) -> Tensor:
    """[B]: of a given picture, mostly 1."""
    return torch.where(_random(batch) < 0.6, 1.0, _random(batch))


def _random(count: int) -> Tensor:
    return torch.rand(count, device=DEVICE)


def advanced(stream: Noised, velocity: Tensor, sigma: float, following: float) -> Noised:
    """After one step of the sampler: what is conditioned stays as it is, as far as its mask says."""
    timesteps = stream.timesteps[..., None]
    estimate = stream.tokens - velocity * timesteps
    mask = timesteps / sigma
    estimate = estimate * mask + stream.clean * (1 - mask)
    tokens = stream.tokens + (stream.tokens - estimate) / sigma * (following - sigma)
    return stream._replace(tokens=tokens, sigmas=stream.sigmas * (following / sigma))


def aimed_at_clean(stream: Noised) -> Noised:
    """For tokens of the sampler's own making: the velocity that leads to the clean ones, its error counted there."""
    timesteps = stream.timesteps
    away = (stream.tokens - stream.clean) / timesteps[..., None].clamp(min=1e-3)
    return stream._replace(noise=stream.clean + away, weights=stream.weights * timesteps.square())
