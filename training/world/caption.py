"""Captions: full descriptions of a scene in many wordings, and shorter forms that leave a random part out."""

import numpy as np

from .scene import Scene
from .wording import Wording, loosely_spelled, spelled
from .wording_shapes import shapes_sentences
from .wording_speaker import SPEAKER_FACTS, speaker_sentences
from .wording_views import sea_sentences, skyline_sentences


def full_caption(scene: Scene, random: np.random.Generator) -> str:
    """Everything a drawing shows, in one of many wordings, carefully spelled or not."""
    words = Wording(random)
    sentences = _full(scene, words)
    return spelled(sentences) if words.chance(0.5) else loosely_spelled(sentences, words)


def polished_caption(scene: Scene, random: np.random.Generator) -> str:
    """The same in whole sentences and with the usual words for things: what the language model is to write."""
    return spelled(_full(scene, Wording(random, plain=True)))


def short_caption(scene: Scene, random: np.random.Generator) -> str:
    """Leaves out a random part of it, down to "a woman"."""
    words = Wording(random)
    return loosely_spelled(_short(scene, words), words)


def _full(scene: Scene, words: Wording) -> list[str]:
    if scene.kind == "speaker":
        return speaker_sentences(scene, set(SPEAKER_FACTS), words, brief=False)
    if scene.kind == "shapes":
        return shapes_sentences(scene, [{"color", "shape", "motion"}] * len(scene.things), True, words, brief=False)
    if scene.kind == "sea":
        return sea_sentences(scene, {"water", "sky", "waves"}, words, brief=False)
    return skyline_sentences(scene, {"lights", "ground", "dance"}, words, brief=False)


def _short(scene: Scene, words: Wording) -> list[str]:
    # How much is said in all differs between captions, so that the barest ones are not rare.
    share = words.random.beta(0.9, 1.1)
    some = lambda *facts: {fact for fact in facts if words.chance(share)}  # noqa: E731
    if scene.kind == "speaker":
        # Whoever has glasses or a beard is always said to: where nothing is said there are none.
        said = some("hair", "style", "shirt", "ground") | {"glasses", "beard"}
        said |= {"person"} if words.chance(0.96) else set()
        said |= {"verb"} if words.chance(0.85) else set()
        return speaker_sentences(scene, said, words, brief=words.chance(0.85))
    if scene.kind == "shapes":
        thing = lambda: some("motion") | {f for f, p in (("color", 0.92), ("shape", 0.95)) if words.chance(p)}  # noqa: E731
        said = [thing() for _ in scene.things]
        return shapes_sentences(scene, said, words.chance(share), words, brief=words.chance(0.85))
    if scene.kind == "sea":
        return sea_sentences(scene, some("water", "sky", "waves"), words, brief=words.chance(0.85))
    return skyline_sentences(scene, some("lights", "ground", "dance"), words, brief=words.chance(0.85))
