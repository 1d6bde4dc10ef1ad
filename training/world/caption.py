"""Captions: a full description of a scene, shorter forms that leave things out, and a reading of both."""

import numpy as np

from .scene import Scene, Thing

MOTIONS = {
    "pulse": ["pulses with the sound", "grows and shrinks with the sound", "throbs to the loudness"],
    "bounce": ["bounces on the beat", "jumps with every beat"],
    "rise": ["rises with the pitch", "moves up as the pitch climbs"],
    "spin": ["spins slowly", "turns around and around"],
}


def full_caption(scene: Scene, random: np.random.Generator) -> str:
    """Everything a drawing shows, in one of several wordings."""
    pick = lambda words: words[random.integers(len(words))]  # noqa: E731
    if scene.kind == "speaker":
        return f"{article(_person(scene))} {pick(SPEAKING)}, {_ground(scene)}"
    if scene.kind == "shapes":
        parts = [f"{article(f'{t.color} {t.shape}')} that {pick(MOTIONS[t.motion])}" for t in scene.things]
        return f"{join(parts)}, {_ground(scene)}"
    if scene.kind == "sea":
        return f"{article(f'{scene.water} sea')} whose waves {pick(['rise', 'swell'])} with the sound, {scene.ground} sky"
    return f"a skyline of {scene.lights} bars {pick(['dancing', 'moving'])} to the sound, {scene.ground} background"


SPEAKING = ["speaks to the camera", "talks to the camera", "is speaking to the camera", "is talking", "speaks"]


def short_caption(scene: Scene, random: np.random.Generator) -> str:
    """Leaves out a random part of it."""
    pick = lambda words: words[random.integers(len(words))]  # noqa: E731
    said = lambda share: random.random() < share  # noqa: E731
    ground = f", {_ground(scene)}" if said(0.45) else ""
    if scene.kind == "speaker":
        features = []
        if said(0.45):
            features.append(_hair(scene))
        if said(0.45):
            features.append(article(f"{scene.shirt} shirt"))
        if scene.glasses and said(0.6):
            features.append("glasses")
        if scene.beard and said(0.6):
            features.append("a beard")
        wearing = f" with {join(features)}" if features else ""
        return f"{article(scene.person)}{wearing} {pick(SPEAKING)}{ground}"
    if scene.kind == "shapes":
        parts = [
            article(f"{t.color} {t.shape}") + (f" that {pick(MOTIONS[t.motion])}" if said(0.5) else "") for t in scene.things
        ]
        return f"{join(parts)}{ground}"
    if scene.kind == "sea":
        sky = f", {scene.ground} sky" if said(0.5) else ""
        return (article(f"{scene.water} sea") if said(0.6) else "the sea") + sky
    return (f"a skyline of {scene.lights} bars" if said(0.6) else pick(["a skyline", "an equaliser skyline"])) + ground


def article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def join(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _hair(scene: Scene) -> str:
    return "a bald head" if scene.hair_style == "bald" else f"{scene.hair_style} {scene.hair} hair"


def _person(scene: Scene) -> str:
    features = [_hair(scene), article(f"{scene.shirt} shirt")]
    if scene.glasses:
        features.append("glasses")
    if scene.beard:
        features.append("a beard")
    return f"{scene.person} with {join(features)}"


def _ground(scene: Scene) -> str:
    if scene.ground_to is None:
        return f"{scene.ground} background"
    return f"{scene.ground} to {scene.ground_to} background"


def thing_words(thing: Thing) -> str:
    return f"{thing.color} {thing.shape}"
