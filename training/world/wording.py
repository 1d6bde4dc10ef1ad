"""What all captions share: drawing among wordings, colors and grounds in words, sentences in spelling."""

import numpy as np

from .scene import Scene

# Other words for a color that can mean no other color of the world.
SYNONYMS = {"gray": ["gray", "grey"], "purple": ["purple", "purple", "violet"], "turquoise": ["turquoise", "turquoise", "teal"]}


class Wording:
    """A random choice among words. `plain` keeps to the usual words for persons, clothes and colors."""

    def __init__(self, random: np.random.Generator, plain: bool = False) -> None:
        self.random = random
        self.plain = plain

    def pick(self, *options: str) -> str:
        return options[self.random.integers(len(options))]

    def chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def color(self, name: str) -> str:
        return name if self.plain else self.pick(*SYNONYMS.get(name, [name]))

    def ground(self, scene: Scene, *, bare: bool = True) -> str:
        """Where it is, to go behind a sentence: ", blue background" or " in front of a blue wall"."""
        if bare and self.chance(0.3):
            return f", {self._bare_ground(scene)}"
        if scene.ground_to is None and self.chance(0.12):
            return f" on {self.color(scene.ground)}"
        where = self.pick("against", "against", "on", "in front of", "in front of")
        return f" {where} {self.background(scene)}"

    def background(self, scene: Scene) -> str:
        """The background with its article."""
        if scene.ground_to is None:
            kind = self.pick("background", "background", "background", "wall", "backdrop")
            plain = self.pick("", "", "", "", "plain ")
            return article(f"{plain}{self.color(scene.ground)} {kind}")
        above, below = self.color(scene.ground), self.color(scene.ground_to)
        return self.pick(
            article(f"{above} to {below} background"),
            article(f"{above} to {below} gradient"),
            f"a background fading from {above} to {below}",
            f"a background that fades from {above} to {below}",
            f"a background that is {above} at the top and {below} at the bottom",
            f"a gradient from {above} to {below}",
        )

    def ground_sentence(self, scene: Scene, subject: str = "") -> str:
        """Where it is, as a sentence of its own. `subject`: "her", "him" or "it", which stands in front of it."""
        if subject and self.chance(0.3):
            return self.pick(f"behind {subject} is {self.background(scene)}", f"{self.background(scene)} is behind {subject}")
        if scene.ground_to is None:
            return f"the {self.pick('background', 'background', 'wall', 'backdrop')} is {self.color(scene.ground)}"
        above, below = self.color(scene.ground), self.color(scene.ground_to)
        return self.pick(
            f"the background fades from {above} to {below}",
            f"the background is {above} at the top and {below} at the bottom",
            f"the background is a gradient from {above} to {below}",
        )

    def _bare_ground(self, scene: Scene) -> str:
        if scene.ground_to is None:
            return f"{self.color(scene.ground)} {self.pick('background', 'background', 'background', 'backdrop')}"
        return f"{self.color(scene.ground)} to {self.color(scene.ground_to)} {self.pick('background', 'background', 'gradient')}"


def article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def join(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def spelled(sentences: list[str]) -> str:
    """As a book prints them."""
    return " ".join(f"{capital(sentence)}." for sentence in sentences)


def loosely_spelled(sentences: list[str], words: Wording) -> str:
    """As people type them: often without the first capital, the full stop, or both."""
    text = spelled(sentences)
    one = len(sentences) == 1
    if words.chance(0.6 if one else 0.15):
        text = text[:1].lower() + text[1:]
    return text[:-1] if words.chance(0.65 if one else 0.2) else text
