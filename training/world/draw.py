"""Scenes → frames."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .canvas import Camera, Canvas, box, circle, ellipse, polygon, rotated
from .scene import COLORS, HAIR, SKIN, Scene, Thing
from .sound import BANDS, SoundFeatures

# How far the middle of the face is above the middle of the picture.
FACE_HEIGHT = 0.1
# As many as a core's cache holds several images of.
PIXELS_AT_ONCE = 1 << 18
MOUTH = torch.tensor([0.45, 0.06, 0.12])


def color(name: str) -> Tensor:
    return torch.tensor(COLORS[name])


def still(frames: int) -> Camera:
    return Camera(torch.ones(frames), torch.zeros(frames), torch.zeros(frames))


def draw(
    scene: Scene, sound: SoundFeatures, fps: float, height: int, width: int,
    camera: Camera | None = None, style: str = "plain",
) -> Tensor:
    """[T, H, W, 3] in 0…1."""
    frames = len(sound.loudness)
    camera, seconds = camera or still(frames), torch.arange(frames) / fps
    parts = []
    for piece in torch.arange(frames).split(max(1, PIXELS_AT_ONCE // (height * width))):
        part = slice(int(piece[0]), int(piece[-1]) + 1)
        canvas = Canvas(height, width, camera.part(part), style)
        _paint(canvas, scene, sound.part(part), seconds[part])
        parts.append(canvas.image.movedim(0, -1))
    return torch.cat(parts)


def _paint(canvas: Canvas, scene: Scene, sound: SoundFeatures, seconds: Tensor) -> None:
    if scene.kind == "sea":
        _sea(canvas, scene, sound, seconds)
        return
    ground = color(scene.ground)
    if scene.ground_to is not None:
        share = ((canvas.y + 1) / 2).clamp(0, 1)[..., None]  # [T, H, 1, 1]
        ground = ground + (color(scene.ground_to) - ground) * share
    canvas.fill(ground)
    {"speaker": _speaker, "shapes": _shapes, "skyline": _skyline}[scene.kind](canvas, scene, sound, seconds)


def _column(values: Tensor) -> Tensor:
    return values[:, None, None]


@dataclass
class Head:
    """A part of the canvas in coordinates that move with the head."""

    canvas: Canvas
    sway: Tensor
    nod: Tensor
    size: float

    @property
    def x(self) -> Tensor:
        return (self.canvas.x - self.sway) / self.size

    @property
    def y(self) -> Tensor:
        return (self.canvas.y - self.nod + FACE_HEIGHT) / self.size

    def part(self, half_width: float, top: float, bottom: float) -> "Head":
        """Bounds in the head's own coordinates; its sway and nod stay below 0.04."""
        s = self.size
        middle, spare = -FACE_HEIGHT, 0.04
        bounds = (-s * half_width - spare, s * half_width + spare, s * top + middle - spare, s * bottom + middle + spare)
        return replace(self, canvas=self.canvas.part(*bounds))


def _speaker(canvas: Canvas, scene: Scene, sound: SoundFeatures, seconds: Tensor) -> None:
    skin = torch.tensor(SKIN[scene.skin])
    hair = torch.tensor(HAIR[scene.hair])
    sway = _column(0.025 * torch.sin(1.3 * seconds))
    nod = _column(0.012 * torch.sin(2.1 * seconds))
    head = Head(canvas, sway, nod, 1.1 if scene.person in ("girl", "boy") else 1.25).part(0.58, -0.72, 0.8)
    shoulders = canvas.part(-0.8, 0.8, 0.5, 1.6)
    canvas, x, y = head.canvas, head.x, head.y
    if scene.hair_style == "long":
        canvas.paint(box(x, y - 0.18, 0.47, 0.60, 0.3), hair)
    width = 0.74 if scene.person in ("man", "boy") else 0.62
    shoulders.paint(box(shoulders.x - 0.4 * sway, shoulders.y - 1.05, width, 0.5, 0.25), color(scene.shirt))
    canvas.paint(box(x, y - 0.5, 0.13, 0.2, 0.05), skin * 0.92)
    if scene.hair_style == "curly":
        for dx, dy in [(-0.36, -0.12), (-0.27, -0.38), (0.0, -0.5), (0.27, -0.38), (0.36, -0.12)]:
            canvas.paint(circle(x - dx, y - dy, 0.2), hair)
    elif scene.hair_style != "bald":
        canvas.paint(ellipse(x, y + 0.08, 0.44, 0.52), hair)
    canvas.paint(ellipse(x, y, 0.36, 0.46), skin)
    if scene.hair_style in ("short", "long"):
        fringe = torch.maximum(ellipse(x, y + 0.06, 0.40, 0.48), y + 0.24)
        canvas.paint(fringe, hair)
    if scene.beard:
        canvas.paint(torch.maximum(ellipse(x, y, 0.365, 0.465), 0.12 - y), hair)
        canvas.paint(ellipse(x, y - 0.22, 0.15, 0.12), skin)
    _eyes(head.part(0.29, -0.2, 0.09), scene, seconds)
    nose = head.part(0.04, 0.02, 0.14)
    nose.canvas.paint(ellipse(nose.x, nose.y - 0.08, 0.035, 0.05), skin * 0.85)
    _mouth(head.part(0.18, 0.08, 0.42), sound)


def _eyes(head: Head, scene: Scene, seconds: Tensor) -> None:
    canvas, x, y = head.canvas, head.x, head.y
    blink = ((seconds + 1) % 2.7) < 0.14
    lid = _column(torch.where(blink, 0.012, 0.075))
    for side in (-1, 1):
        canvas.paint(ellipse(x - side * 0.15, y + 0.06, 0.085, lid), torch.tensor([0.98, 0.98, 0.98]))
        iris = torch.minimum(lid, torch.tensor(0.045))
        canvas.paint(ellipse(x - side * 0.15, y + 0.06, 0.045, iris), torch.tensor([0.08, 0.08, 0.10]))
        if scene.glasses:
            frame = circle(x - side * 0.15, y + 0.06, 0.12).abs() - 0.018
            canvas.paint(frame, torch.tensor([0.05, 0.05, 0.05]))
    if scene.glasses:
        canvas.paint(box(x, y + 0.07, 0.045, 0.012), torch.tensor([0.05, 0.05, 0.05]))


def _mouth(head: Head, sound: SoundFeatures) -> None:
    canvas, x, y = head.canvas, head.x, head.y
    opening = _column(0.014 + 0.125 * sound.loudness**1.3)
    wide = _column(0.12 + 0.05 * (sound.brightness - 0.5) * sound.loudness)
    canvas.paint(ellipse(x, y - 0.24, wide + 0.016, opening + 0.016), torch.tensor([0.80, 0.36, 0.38]))
    canvas.paint(ellipse(x, y - 0.24, wide, opening), MOUTH)


def _shapes(canvas: Canvas, scene: Scene, sound: SoundFeatures, seconds: Tensor) -> None:
    for thing in scene.things:
        size = thing.size * (0.55 + 0.55 * sound.loudness)
        x = torch.full_like(seconds, thing.x)
        y, angle = torch.zeros_like(seconds), torch.zeros_like(seconds)
        if thing.motion == "bounce":
            y = 0.25 - 0.5 * sound.beat
        elif thing.motion == "rise":
            y = 0.45 - 0.9 * sound.brightness * (0.3 + 0.7 * sound.loudness)
        elif thing.motion == "spin":
            angle = 1.8 * seconds
        canvas.paint(_outline(canvas, thing, _column(x), _column(y), _column(size), _column(angle)), color(thing.color))


def _outline(canvas: Canvas, thing: Thing, x: Tensor, y: Tensor, size: Tensor, angle: Tensor) -> Tensor:
    u, v = rotated(canvas.x - x, canvas.y - y, angle)
    if thing.shape == "circle":
        return circle(u, v, size)
    if thing.shape == "square":
        return box(u, v, 0.84 * size, 0.84 * size)
    if thing.shape == "triangle":
        return polygon(u, v - 0.2 * size, 3, 1.2 * size)
    return polygon(u, v, 5, 1.2 * size, star=0.45)


def _sea(canvas: Canvas, scene: Scene, sound: SoundFeatures, seconds: Tensor) -> None:
    sky = color(scene.ground)
    share = ((canvas.y + 1) / 1.3).clamp(0, 1)[..., None]
    canvas.fill(sky + (0.35 * (1 - sky)) * share)
    light = color("white") if scene.ground == "black" else color("yellow")
    canvas.paint(circle(canvas.x - 0.5, canvas.y + 0.55, 0.2), light)
    water = color(scene.water)
    swell = _column(0.03 + 0.16 * sound.loudness)
    for depth, (level, speed, wave) in enumerate([(0.12, 1.1, 4.0), (0.38, 1.6, 3.2), (0.66, 2.1, 2.6)]):
        phase = wave * canvas.x + _column(speed * seconds) + depth * 2.0
        surface = level - swell * torch.sin(phase)
        canvas.paint((surface - canvas.y) / 1.3, water * (1.0 - 0.2 * depth))


def _skyline(canvas: Canvas, scene: Scene, sound: SoundFeatures, seconds: Tensor) -> None:
    del seconds
    bar = color(scene.lights)
    for band in range(BANDS):
        x = (band - (BANDS - 1) / 2) * 0.27
        half = _column(0.06 + 0.75 * sound.bands[:, band])
        column = canvas.part(x - 0.105, x + 0.105, -0.75, 0.95)
        shade = bar * (0.65 + 0.35 * band / (BANDS - 1))
        column.paint(box(column.x - x, column.y - 0.95 + half, 0.105, half), shade)
    canvas.paint(-(canvas.y - 0.95), torch.tensor([0.06, 0.06, 0.08]))
