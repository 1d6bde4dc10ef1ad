"""A scene as data: what a caption can say and what a drawing needs. The same fields serve all kinds.

A full caption and the sound leave nothing open but tones of skin: a small network has to know what to draw, not to
guess. Where a shape is, how a head sways and when eyes blink is therefore the same in all drawings.
"""

from dataclasses import dataclass, field

import numpy as np

COLORS: dict[str, tuple[float, float, float]] = {
    "red": (0.86, 0.16, 0.16),
    "orange": (0.96, 0.55, 0.12),
    "yellow": (0.97, 0.86, 0.20),
    "green": (0.18, 0.65, 0.28),
    "blue": (0.18, 0.38, 0.86),
    "purple": (0.55, 0.25, 0.75),
    "pink": (0.96, 0.56, 0.72),
    "white": (0.95, 0.95, 0.95),
    "black": (0.10, 0.10, 0.12),
    "gray": (0.55, 0.55, 0.58),
    "brown": (0.47, 0.29, 0.15),
    "turquoise": (0.15, 0.72, 0.72),
}
HAIR = {"red": (0.72, 0.25, 0.10), "brown": (0.36, 0.22, 0.12), "black": (0.09, 0.08, 0.09),
        "blonde": (0.93, 0.78, 0.38), "gray": (0.66, 0.66, 0.68)}
SKIN = [(0.99, 0.85, 0.74), (0.94, 0.75, 0.60), (0.80, 0.58, 0.42), (0.58, 0.39, 0.26), (0.40, 0.27, 0.19)]
SHIRTS = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black", "gray", "turquoise"]
GROUNDS = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "gray", "turquoise", "black"]
SHAPES = ["circle", "square", "triangle", "star"]
PLACES = {1: [0.0], 2: [-0.5, 0.5], 3: [-0.66, 0.0, 0.66]}
SIZES = {1: 0.52, 2: 0.34, 3: 0.25}
SKIES = ["blue", "orange", "pink", "black", "purple"]
SEAS = ["blue", "green", "turquoise", "purple"]
NIGHTS = ["black", "purple", "blue", "gray"]
LIGHTS = ["red", "orange", "yellow", "green", "pink", "turquoise"]


@dataclass(frozen=True)
class Thing:
    shape: str
    color: str
    motion: str  # pulse, bounce, rise or spin
    x: float
    size: float


@dataclass(frozen=True)
class Scene:
    kind: str  # speaker, shapes, sea, skyline
    ground: str
    ground_to: str | None  # a gradient's lower color
    person: str = ""  # woman, man, girl, boy
    hair: str = ""
    hair_style: str = ""  # short, long, curly, bald
    shirt: str = ""
    skin: int = 0
    glasses: bool = False
    beard: bool = False
    things: tuple[Thing, ...] = field(default_factory=tuple)
    water: str = ""
    lights: str = ""


def random_scene(random: np.random.Generator) -> Scene:
    kind = random.choice(["speaker", "shapes", "sea", "skyline"], p=[0.5, 0.3, 0.1, 0.1])
    pick = lambda names: str(names[random.integers(len(names))])  # noqa: E731
    ground = pick(GROUNDS)
    ground_to = pick([g for g in GROUNDS if g != ground]) if random.random() < 0.2 else None
    if kind == "speaker":
        person = pick(["woman", "man", "girl", "boy"])
        styles = ["short", "long", "curly"] if person in ("woman", "girl") else ["short", "short", "curly", "bald"]
        shirts = [s for s in SHIRTS if s not in (ground, ground_to)]
        return Scene(
            kind, ground, ground_to, person, pick(list(HAIR)), pick(styles), pick(shirts), int(random.integers(len(SKIN))),
            bool(random.random() < 0.4), person == "man" and bool(random.random() < 0.7),
        )
    if kind == "shapes":
        return Scene(kind, ground, ground_to, things=_things(random, {ground, ground_to}))
    if kind == "sea":
        return Scene(kind, pick(SKIES), None, water=pick(SEAS))
    return Scene(kind, pick(NIGHTS), None, lights=pick(LIGHTS))


def _things(random: np.random.Generator, taken: set[str | None]) -> tuple[Thing, ...]:
    count = int(random.choice([1, 2, 3], p=[0.5, 0.3, 0.2]))
    things = []
    for x in PLACES[count]:
        color = str(random.choice([c for c in COLORS if c not in taken and c not in ("brown",)]))
        taken = taken | {color}
        motion = str(random.choice(["pulse", "bounce", "rise", "spin"], p=[0.55, 0.15, 0.15, 0.15]))
        things.append(Thing(str(random.choice(SHAPES)), color, motion, x, SIZES[count]))
    return tuple(things)
