"""Anti-aliased drawing by signed distances, at any size and aspect, a whole clip at once."""

from dataclasses import dataclass

import torch
from torch import Tensor

STYLES = ("plain", "ink", "neon")


@dataclass
class Camera:
    """Per frame [T]: magnification and the world point in the middle of the picture."""

    zoom: Tensor
    x: Tensor
    y: Tensor


class Canvas:
    """World coordinates: the shorter side of the picture spans −1…1, y points down."""

    def __init__(self, height: int, width: int, camera: Camera, style: str = "plain") -> None:
        short = min(height, width)
        rows = (torch.arange(height) + 0.5 - height / 2) * 2 / short
        columns = (torch.arange(width) + 0.5 - width / 2) * 2 / short
        zoom = camera.zoom[:, None, None]
        self.frames = len(camera.zoom)
        self.x = columns[None, None, :] / zoom + camera.x[:, None, None]  # [T, 1, W]
        self.y = rows[None, :, None] / zoom + camera.y[:, None, None]  # [T, H, 1]
        self.pixel = 2 / short / zoom  # [T, 1, 1]: world units per pixel
        self.style = style
        self.image = torch.zeros(self.frames, height, width, 3)

    def fill(self, color: Tensor) -> None:
        """The ground: color [3] or anything that broadcasts to [T, H, W, 3]."""
        if self.style == "ink":
            color = torch.full((3,), 0.97)
        elif self.style == "neon":
            color = 0.08 * color + torch.tensor([0.01, 0.01, 0.03])
        self.image = torch.broadcast_to(color, self.image.shape).clone()

    def paint(self, distance: Tensor, color: Tensor) -> None:
        """Fills where `distance` [T, H, W] (negative inside) is negative; color [3] or [T, H, W, 3]."""
        inside = (0.5 - distance / self.pixel).clamp(0, 1)[..., None]
        if self.style == "plain":
            self.image = self.image + (color - self.image) * inside
            return
        line = (1 - (distance.abs() - 0.012).clamp(min=0) / self.pixel).clamp(0, 1)[..., None]
        if self.style == "ink":
            paper = self.image + (0.97 - self.image) * inside
            self.image = paper + (0.05 - paper) * line
        else:
            glow = torch.exp(-(distance.abs() / 0.05))[..., None]
            dark = self.image * (1 - 0.85 * inside)
            self.image = (dark + glow * color + 0.6 * line).clamp(0, 1)


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
