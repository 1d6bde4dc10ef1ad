"""Shapes that move with the sound, in words."""

from .scene import Scene, Thing
from .wording import Wording, article, join

# Finite, participle and plural form; then what may follow, in the wordings that are clear without it "" too.
MOTIONS: dict[str, list[tuple[tuple[str, str, str], list[str]]]] = {
    "pulse": [
        (("pulses", "pulsing", "pulse"), ["with the sound", "to the sound", "with the loudness", ""]),
        (("grows and shrinks", "growing and shrinking", "grow and shrink"), ["with the sound", "with the loudness"]),
        (("throbs", "throbbing", "throb"), ["to the loudness", "with the sound"]),
    ],
    "bounce": [
        (("bounces", "bouncing", "bounce"), ["on the beat", "to the beat", "with every beat", ""]),
        (("jumps", "jumping", "jump"), ["on the beat", "with every beat", ""]),
    ],
    "rise": [
        (("rises", "rising", "rise"), ["with the pitch", "as the pitch climbs", "with the pitch"]),
        (("moves up", "moving up", "move up"), ["with the pitch", "as the pitch climbs"]),
        (("rises and falls", "rising and falling", "rise and fall"), ["with the pitch"]),
    ],
    "spin": [
        (("spins", "spinning", "spin"), ["slowly", "", "around"]),
        (("turns", "turning", "turn"), ["around and around", "slowly", "around"]),
        (("rotates", "rotating", "rotate"), ["slowly", ""]),
    ],
}
PLACES = {1: [["in the middle"], ["in the center"]], 2: [["on the left", "on the right"]],
          3: [["on the left", "in the middle", "on the right"], ["on the left", "in the center", "on the right"]]}
NUMBERS = {1: "one", 2: "two", 3: "three"}
FINITE, PARTICIPLE, PLURAL = range(3)
# Of each thing: its name, and what a caption says of it.
Said = list[set[str]]


def shapes_sentences(scene: Scene, said: Said, ground: bool, words: Wording, *, brief: bool) -> list[str]:
    """`said`: for each thing what is stated of "color", "shape" and "motion"."""
    names = [_name(thing, facts, words) for thing, facts in zip(scene.things, said)]
    moving = [thing for thing, facts in zip(scene.things, said) if "motion" in facts]
    tail = words.ground(scene) if ground else ""
    alike = len(moving) == len(names) > 1 and len({thing.motion for thing in moving}) == 1
    if alike and words.chance(0.5):
        return _alike(scene, names, tail, words)
    if len(moving) == len(names) and words.chance(0.35):
        return [_clauses(scene, names, tail, words)]
    if moving and not brief and all("color" in facts for facts in said) and words.chance(0.35):
        return _named_then_moving(scene, names, said, ground, words)
    form = FINITE if words.chance(0.5) else PARTICIPLE
    places = _places(len(names), words) if moving and words.chance(0.2) else [""] * len(names)
    parts = [
        article(name) + place + (_relative(thing, form, words) if "motion" in facts else "")
        for name, place, thing, facts in zip(names, places, scene.things, said)
    ]
    if ground and words.chance(0.12):
        return [f"{words.ground(scene, bare=False).strip()}, {_list(parts, words, placed=not moving)}"]
    return [_list(parts, words, placed=not moving) + tail]


def _name(thing: Thing, facts: set[str], words: Wording) -> str:
    return f"{words.color(thing.color) if 'color' in facts else ''} {thing.shape if 'shape' in facts else 'shape'}".strip()


def _motion(thing: Thing, form: int, words: Wording) -> str:
    forms, complements = MOTIONS[thing.motion][words.random.integers(len(MOTIONS[thing.motion]))]
    return f"{forms[form]} {words.pick(*complements)}".strip()


def _moving(thing: Thing, progressive: bool, words: Wording) -> str:
    return f"is {_motion(thing, PARTICIPLE, words)}" if progressive else _motion(thing, FINITE, words)


def _relative(thing: Thing, form: int, words: Wording) -> str:
    return f" that {_motion(thing, FINITE, words)}" if form == FINITE else f" {_motion(thing, PARTICIPLE, words)}"


def _list(parts: list[str], words: Wording, *, placed: bool) -> str:
    """The things in their order from left to right, with or without saying so."""
    if placed and words.chance(0.25):
        return join([part + place for part, place in zip(parts, _places(len(parts), words))])
    if len(parts) == 2 and placed and words.chance(0.2):
        return f"{parts[0]} {words.pick('next to', 'beside', 'to the left of')} {parts[1]}"
    if len(parts) > 1 and words.chance(0.1):
        return f"{NUMBERS[len(parts)]} shapes{words.pick('', ' from left to right')}: {join(parts)}"
    return join(parts)


def _places(count: int, words: Wording) -> list[str]:
    places = PLACES[count][words.random.integers(len(PLACES[count]))]
    return [f" {place}" for place in places]


def _alike(scene: Scene, names: list[str], tail: str, words: Wording) -> list[str]:
    """All move in the same way: "a red star and a blue circle spin slowly"."""
    listed = join([article(name) for name in names])
    motion = _motion(scene.things[0], PLURAL, words)
    if words.chance(0.3):
        return [f"there are {listed}{tail}", f"{'both' if len(names) == 2 else words.pick('all three', 'they all')} {motion}"]
    if words.chance(0.4):
        return [f"{listed} are {_motion(scene.things[0], PARTICIPLE, words)}{tail}"]
    return [f"{listed} {motion}{tail}"]


def _clauses(scene: Scene, names: list[str], tail: str, words: Wording) -> str:
    """ "a red circle is pulsing with the sound and a blue star spins slowly" """
    progressive = words.chance(0.6)
    clauses = [f"{article(name)} {_moving(thing, progressive, words)}" for name, thing in zip(names, scene.things)]
    return join(clauses) + tail


def _named_then_moving(scene: Scene, names: list[str], said: Said, ground: bool, words: Wording) -> list[str]:
    """ "there is a red circle on a blue background. the circle is spinning slowly." """
    listed = _list([article(name) for name in names], words, placed=len(names) > 1)
    early = ground and words.chance(0.6)
    opening = words.pick("", f"there {'is' if len(names) == 1 else 'are'} ")
    first = f"{opening}{listed}{words.ground(scene, bare=not opening) if early else ''}"
    progressive = words.chance(0.6)
    clauses = []
    for name, thing, facts in zip(names, scene.things, said):
        if "motion" in facts:
            shape = name.split()[-1]
            unique = sum(other.split()[-1] == shape for other in names) == 1
            subject = "it" if len(names) == 1 and words.chance(0.4) else f"the {shape if unique else name}"
            clauses.append(f"{subject} {_moving(thing, progressive, words)}")
    sentences = [first, join(clauses)]
    if ground and not early:
        sentences.append(words.ground_sentence(scene))
    return sentences
