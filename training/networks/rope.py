"""Positions and rotary tables of LTX-2 (split layout, each head its own band of frequencies)."""

import math
from functools import cache

import torch
from torch import Tensor


@cache
def frequencies(dim: int, axes: int, device: torch.device, theta: float = 10000.0) -> Tensor:
    """[dim // (2·axes)] float32, computed in float64."""
    count = dim // (2 * axes)
    exponents = torch.linspace(0.0, 1.0, count, dtype=torch.float64)
    return (theta**exponents * math.pi / 2).float().to(device)


@cache
def _largest(max_pos: tuple[float, ...], device: torch.device) -> Tensor:
    return torch.tensor(max_pos, device=device)[None, :, None]


def rotary_tables(positions: Tensor, dim: int, heads: int, max_pos: list[float]) -> tuple[Tensor, Tensor]:
    """positions [B, P, N, 2] (start, end) → cos, sin [B, heads, N, dim/2/heads]."""
    middle = (positions[..., 0] + positions[..., 1]) / 2  # [B, P, N]
    signed = middle / _largest(tuple(max_pos), positions.device) * 2 - 1  # [B, P, N]
    omega = frequencies(dim, positions.shape[1], positions.device)  # [n]
    angles = (signed[:, None] * omega[None, :, None, None]).permute(0, 3, 1, 2).flatten(2)  # [B, N, n·P], axes innermost
    pad = dim // 2 - angles.shape[-1]
    angles = torch.nn.functional.pad(angles, (pad, 0))  # angle 0 in front
    batch, tokens, _ = angles.shape
    angles = angles.view(batch, tokens, heads, -1).transpose(1, 2)  # [B, heads, N, dim/2/heads]
    return angles.cos(), angles.sin()


def rotate(x: Tensor, tables: tuple[Tensor, Tensor]) -> Tensor:
    """x [B, heads, N, d]: the two halves of each head are the two coordinates."""
    cos, sin = tables
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def token_positions(frame: Tensor, row: Tensor, column: Tensor, fps: Tensor) -> Tensor:
    """Places in the latent grid, each [B, N], and fps [B] → [B, 3, N, 2]: seconds, pixels, pixels."""
    bounds = torch.arange(2, device=fps.device)
    time = (8 * (frame[..., None] + bounds) - 7).clamp(min=0) / fps.float()[:, None, None]  # [B, N, 2]
    return torch.stack([time, 32.0 * (row[..., None] + bounds), 32.0 * (column[..., None] + bounds)], 1)


def video_positions(frames: int, height: int, width: int, fps: Tensor) -> Tensor:
    """Latent sizes and fps [B] → [B, 3, frames·height·width, 2]."""
    index = torch.arange(frames * height * width, device=fps.device).expand(len(fps), -1)
    return token_positions(index // (height * width), index // width % height, index % width, fps)


def audio_positions(count: int, batch: int, device: torch.device | str = "cpu") -> Tensor:
    """[B, 1, count, 2] seconds; 25 latents per second, the first covers one mel frame."""
    i = torch.arange(count + 1, device=device, dtype=torch.float32)
    seconds = (4 * i - 3).clamp(min=0) * 160 / 16000
    return torch.stack([seconds[:-1], seconds[1:]], -1)[None, None].expand(batch, -1, -1, -1)
