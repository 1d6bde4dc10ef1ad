"""Anti-aliased drawing by signed distances, at any size and aspect, a whole clip at once."""

from copy import copy
from dataclasses import dataclass

import torch
from torch import Tensor

STYLES = ("plain", "ink", "neon")
PAPER = 0.97


@dataclass
class Camera:
    """Per frame [T]: magnification and the world point in the middle of the picture."""

    zoom: Tensor
    x: Tensor
    y: Tensor

    def part(self, frames: slice) -> "Camera":
        return Camera(self.zoom[frames], self.x[frames], self.y[frames])


# World units around a shape that its style may color: half an outline, or its glow.
MARGINS = {"plain": 0.02, "ink": 0.04, "neon": 0.4}


class Canvas:
    """World coordinates: the shorter side of the picture spans −1…1, y points down."""

    def __init__(self, height: int, width: int, camera: Camera, style: str = "plain") -> None:
        short = min(height, width)
        rows = (torch.arange(height) + 0.5 - height / 2) * 2 / short
        columns = (torch.arange(width) + 0.5 - width / 2) * 2 / short
        zoom = camera.zoom[:, None, None]
        self.x = columns[None, None, :] / zoom + camera.x[:, None, None]  # [T, 1, W]
        self.y = rows[None, :, None] / zoom + camera.y[:, None, None]  # [T, H, 1]
        self.pixel = 2 / short / zoom  # [T, 1, 1]: world units per pixel
        self.style = style
        self.image = torch.zeros(3, len(camera.zoom), height, width)

    def part(self, left: float, right: float, top: float, bottom: float) -> "Canvas":
        """The same canvas for what lies between these world coordinates: painting there is as much faster as it is small."""
        margin = MARGINS[self.style]
        columns = _span(self.x.flatten(1), left - margin, right + margin)
        rows = _span(self.y.flatten(1), top - margin, bottom + margin)
        part = copy(self)
        part.x, part.y = self.x[:, :, columns], self.y[:, rows]
        part.image = self.image[:, :, rows, columns]
        return part

    def fill(self, color: Tensor) -> None:
        """The ground: color [3] or anything that broadcasts to [T, H, W, 3]."""
        if self.style == "ink":
            color = torch.full((3,), PAPER)
        elif self.style == "neon":
            color = 0.08 * color + torch.tensor([0.01, 0.01, 0.03])
        self.image.copy_(color.view(*[1] * (4 - color.dim()), *color.shape).movedim(-1, 0))

    def paint(self, distance: Tensor, color: Tensor) -> None:
        """Fills where `distance` [T, H, W] (negative inside) is negative."""
        inside = (0.5 - distance / self.pixel).clamp_(0, 1)
        if self.style == "plain":
            self._cover(color, inside)
            return
        line = (1 - (distance.abs() - 0.012).clamp(min=0) / self.pixel).clamp_(0, 1)
        if self.style == "ink":
            self._cover(torch.full((3,), PAPER), inside)
            self._cover(torch.full((3,), 0.05), line)
        else:
            glow = torch.exp(-(distance.abs() / 0.05))
            for channel, shade in zip(self.image, color):
                channel.mul_(1 - 0.85 * inside).add_(glow * shade).add_(line, alpha=0.6).clamp_(0, 1)

    def _cover(self, color: Tensor, share: Tensor) -> None:
        for channel, shade in zip(self.image, color):
            channel.lerp_(shade, share)


def _span(values: Tensor, low: float, high: float) -> slice:
    """The smallest range of indices outside of which no frame's value [T, n] lies between low and high."""
    hit = ((values >= low) & (values <= high)).any(0).nonzero()
    return slice(int(hit.min()), int(hit.max()) + 1) if len(hit) else slice(0, 0)


def circle(x: Tensor, y: Tensor, radius: Tensor | float) -> Tensor:
    return torch.sqrt(x * x + y * y) - radius


def ellipse(x: Tensor, y: Tensor, rx: Tensor | float, ry: Tensor | float) -> Tensor:
    """Approximate distance: exact on the axes, close enough for one pixel of anti-aliasing."""
    k = torch.sqrt((x / rx) ** 2 + (y / ry) ** 2)
    gradient = torch.sqrt((x / rx**2) ** 2 + (y / ry**2) ** 2)
    return k * (k - 1) / gradient.clamp(min=1e-6)


def box(x: Tensor, y: Tensor, half_width: Tensor | float, half_height: Tensor | float, corner: float = 0.0) -> Tensor:
    dx = x.abs() - half_width + corner
    dy = y.abs() - half_height + corner
    outside = torch.sqrt(dx.clamp(min=0) ** 2 + dy.clamp(min=0) ** 2)
    return outside + torch.maximum(dx, dy).clamp(max=0) - corner


def polygon(x: Tensor, y: Tensor, corners: int, radius: Tensor | float, star: float = 1.0) -> Tensor:
    """A regular polygon, or with `star` < 1 a star whose inner radius is that share of the outer one."""
    angle = torch.atan2(x, -y)
    sector = torch.pi / corners
    folded = (angle % (2 * sector) - sector).abs()  # 0 between two corners, `sector` at a corner
    r = torch.sqrt(x * x + y * y)
    px, py = r * torch.cos(sector - folded), r * torch.sin(sector - folded)  # corner on the x axis
    inner = star * (1.0 if star < 1 else float(torch.cos(torch.tensor(sector))))
    ix = radius * inner * float(torch.cos(torch.tensor(sector)))
    iy = radius * inner * float(torch.sin(torch.tensor(sector)))
    ex, ey = ix - radius, iy
    length = torch.sqrt(torch.as_tensor(ex * ex + ey * ey))
    return ((px - radius) * ey - py * ex) / length.clamp(min=1e-6)


def rotated(x: Tensor, y: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    cos, sin = torch.cos(angle), torch.sin(angle)
    return x * cos + y * sin, y * cos - x * sin
