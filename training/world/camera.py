"""The seven camera moves, as a constant pace over the clip."""

import numpy as np
import torch

from .canvas import Camera

MOVES = ("static", "dolly_in", "dolly_out", "dolly_left", "dolly_right", "jib_up", "jib_down")
ZOOM_PER_SECOND = 0.16
PAN_PER_SECOND = 0.17


def camera_path(move: str, frames: int, fps: float, random: np.random.Generator) -> Camera:
    """`static` stays where it is; the others start a little off, so that the middle of the move is centered."""
    seconds = torch.arange(frames) / fps
    middle = float(seconds[-1]) / 2
    pace = float(random.uniform(0.8, 1.2))
    along = (seconds - middle).clamp(-2.5, 2.5) * pace
    still = torch.zeros(frames)
    zoom, x, y = torch.ones(frames), still, still
    if move in ("dolly_in", "dolly_out"):
        zoom = torch.exp(along * ZOOM_PER_SECOND * (1 if move == "dolly_in" else -1))
    elif move in ("dolly_left", "dolly_right"):
        x = along * PAN_PER_SECOND * (1 if move == "dolly_right" else -1)
    elif move in ("jib_up", "jib_down"):
        y = along * PAN_PER_SECOND * (1 if move == "jib_down" else -1)
    return Camera(zoom, x, y)
