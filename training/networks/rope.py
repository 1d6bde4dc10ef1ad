"""Positions and rotary tables of LTX-2 (split layout, each head its own band of frequencies)."""

import math

import torch
from torch import Tensor


def frequencies(dim: int, axes: int, theta: float = 10000.0) -> Tensor:
    """[dim // (2·axes)] float32, computed in float64."""
    count = dim // (2 * axes)
    exponents = torch.linspace(0.0, 1.0, count, dtype=torch.float64)
    return (theta**exponents * math.pi / 2).float()


def rotary_tables(positions: Tensor, dim: int, heads: int, max_pos: list[float]) -> tuple[Tensor, Tensor]:
    """positions [B, P, N, 2] (start, end) → cos, sin [B, heads, N, dim/2/heads]."""
    middle = (positions[..., 0] + positions[..., 1]) / 2  # [B, P, N]
    scale = torch.tensor(max_pos, device=positions.device)[None, :, None]
    signed = middle / scale * 2 - 1  # [B, P, N]
    omega = frequencies(dim, positions.shape[1]).to(positions.device)  # [n]
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


def video_positions(frames: int, height: int, width: int, fps: Tensor) -> Tensor:
    """Latent sizes and fps [B] → [B, 3, frames·height·width, 2]: seconds, pixels, pixels."""
    device = fps.device
    f = torch.arange(frames, device=device, dtype=torch.float32)
    start = (8 * f - 7).clamp(min=0)
    end = (8 * f + 1).clamp(min=0)
    time = torch.stack([start, end], -1)[None] / fps.float()[:, None, None]  # [B, F, 2]
    rows = torch.arange(height, device=device, dtype=torch.float32) * 32
    columns = torch.arange(width, device=device, dtype=torch.float32) * 32
    shape = (len(fps), frames, height, width, 2)
    grid = [
        time[:, :, None, None].expand(shape),
        torch.stack([rows, rows + 32], -1)[None, None, :, None].expand(shape),
        torch.stack([columns, columns + 32], -1)[None, None, None].expand(shape),
    ]
    return torch.stack(grid, 1).flatten(2, 4)


def keyframe_positions(frame: Tensor, height: int, width: int, fps: Tensor) -> Tensor:
    """One appended picture at frame [B] → [B, 3, height·width, 2]; its time is [frame, frame + 1] / fps."""
    positions = video_positions(1, height, width, fps)
    time = torch.stack([frame / fps, (frame + 1) / fps], -1)[:, None]  # [B, 1, 2]
    positions[:, 0] = time.expand(-1, positions.shape[2], -1)
    return positions


def audio_positions(count: int, batch: int, device: torch.device | str = "cpu") -> Tensor:
    """[B, 1, count, 2] seconds; 25 latents per second, the first covers one mel frame."""
    i = torch.arange(count + 1, device=device, dtype=torch.float32)
    seconds = (4 * i - 3).clamp(min=0) * 160 / 16000
    return torch.stack([seconds[:-1], seconds[1:]], -1)[None, None].expand(batch, -1, -1, -1)
