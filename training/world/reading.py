"""What a caption says, read back from its words: to measure what an expansion keeps."""

import re

from .scene import COLORS, HAIR, SHAPES, Scene
from .wording_shapes import MOTIONS

SPELLINGS = {"grey": "gray", "violet": "purple", "teal": "turquoise", "blond": "blonde", "center": "middle"}
COLOR = f"({'|'.join([*COLORS, *HAIR, *SPELLINGS])})"
PEOPLE = {"lady": "woman", "guy": "man"} | {person: person for person in ("woman", "man", "girl", "boy")}
GROUND = "(?:background|backdrop|wall|gradient|sky)"
TWO_GROUNDS = [f"{COLOR} to {COLOR} {GROUND}", f"fad(?:es|ing) from {COLOR} to {COLOR}", f"gradient from {COLOR} to {COLOR}",
               f"{COLOR} at the top and {COLOR} at the bottom"]
ONE_GROUND = [f"{COLOR}(?: night| sunset)? {GROUND}", f"{GROUND} is {COLOR}", f"^on {COLOR}\\b", f"\\bon {COLOR}(?:$|[.,])"]
VERBS = {form: motion for motion, forms in MOTIONS.items() for verbs, _ in forms for form in verbs}
ALL_MOVE = {verbs[2] for forms in MOTIONS.values() for verbs, _ in forms}
THING = re.compile(
    rf"(?P<article>\ban?|\bthe|\bboth|\ball three|\bthey all)?\s*\b(?:(?P<color>{COLOR[1:-1]}) )?"
    rf"(?:(?P<shape>{'|'.join(SHAPES)}|shape)\b|(?P<motion>{'|'.join(sorted(VERBS, key=len, reverse=True))})\b)"
)


def mentions(text: str) -> dict:
    """Attributes by name, as a scene has them; what is not mentioned is missing. Shapes: a list of such, as "things"."""
    text = text.lower().strip()
    read: dict = {}
    for name, value in _ground(text).items():
        read[name] = value
    people = [PEOPLE[word] for word in re.findall(r"\b(\w+)\b", text) if word in PEOPLE]
    if people or "person" in text:
        return read | {"kind": "speaker"} | _speaker(text, people)
    if re.search(r"\b(sea|ocean|waves)\b", text):
        water = re.search(rf"{COLOR} (?:sea|ocean|waves)", text)
        return read | {"kind": "sea"} | ({"water": _color(water[1])} if water else {})
    if re.search(r"\b(skyline|bars|equali[sz]er)\b", text):
        lights = re.search(rf"{COLOR} (?:city )?(?:equali[sz]er|bars|skyline)", text)
        return read | {"kind": "skyline"} | ({"lights": _color(lights[1])} if lights else {})
    things = _things(text)
    return read | ({"kind": "shapes", "things": things} if things else {})


def facts(scene: Scene) -> dict:
    """All that a full caption mentions of a scene, in the same form."""
    if scene.kind == "shapes":
        things = [{"color": thing.color, "shape": thing.shape, "motion": thing.motion} for thing in scene.things]
        return _stated({"kind": "shapes", "ground": scene.ground, "ground_to": scene.ground_to, "things": things})
    known = {"kind": scene.kind, "ground": scene.ground, "ground_to": scene.ground_to, "water": scene.water, "lights": scene.lights}
    if scene.kind == "speaker":
        bald = scene.hair_style == "bald"
        known |= {"person": scene.person, "style": scene.hair_style, "shirt": scene.shirt, "glasses": scene.glasses,
                  "beard": scene.beard, "hair": "" if bald and not scene.beard else scene.hair}
    return _stated(known)


def kept(asked: dict, answer: dict) -> tuple[int, int]:
    """How many of the attributes that were asked for an answer has, and how many were asked for."""
    pairs = [(value, answer.get(name)) for name, value in asked.items() if name != "things"]
    for index, thing in enumerate(asked.get("things", [])):
        answered = answer.get("things", [])
        pairs += [(value, answered[index].get(name) if index < len(answered) else None) for name, value in thing.items()]
    if "things" in asked:
        pairs.append((len(asked["things"]), len(answer.get("things", []))))
    return sum(wanted == got for wanted, got in pairs), len(pairs)


def _stated(values: dict) -> dict:
    return {name: value for name, value in values.items() if value}


def _color(word: str) -> str:
    return SPELLINGS.get(word, word)


def _ground(text: str) -> dict:
    for pattern in TWO_GROUNDS:
        if found := re.search(pattern, text):
            return {"ground": _color(found[1]), "ground_to": _color(found[2])}
    for pattern in ONE_GROUND:
        if found := re.search(pattern, text):
            return {"ground": _color(found[1])}
    return {"ground": "black"} if "night sky" in text else {}


def _speaker(text: str, people: list[str]) -> dict:
    hair = re.search(rf"{COLOR}(?:-haired| hair| curls| beard)", text)
    if not hair:
        hair = re.search(r"\b(blonde?) (?:young |little )?(?:woman|lady|man|guy|girl|boy|person|cartoon)", text)
    bald = re.search(r"\bbald\b|\bno hair\b", text)
    style = re.search(rf"\b(short|long|curly)(?:-haired|,? {COLOR} hair| hair)", text)
    shirt = re.search(rf"{COLOR} (?:shirt|top|sweater|t-shirt)\b|dressed in {COLOR}", text)
    return _stated({
        "person": people[0] if people else "",
        "hair": _color(hair[1]) if hair else "",
        "style": "bald" if bald else style[1] if style else "curly" if " curls" in text else "",
        "shirt": _color(shirt[1] or shirt[2]) if shirt else "",
        "glasses": "glasses" in text,
        "beard": "beard" in text,
    })


def _things(text: str) -> list[dict]:
    things: list[dict] = []
    subject: list[dict] = []
    text = re.sub(r"\b(one|two|three) shapes\b", "", text)
    for found in THING.finditer(text):
        color, shape = _color(found["color"] or ""), found["shape"] or ""
        if found["motion"]:
            together = found["motion"] in ALL_MOVE or found["article"] in ("both", "all three", "they all")
            for thing in things if together or _are_before(text, found.start()) else subject:
                thing["motion"] = VERBS[found["motion"]]
        elif found["article"] == "the":
            subject = [t for t in things if t.get("shape", "shape") == shape and color in ("", t.get("color"))]
        else:
            subject = [_stated({"color": color, "shape": "" if shape == "shape" else shape})]
            things += subject
    return things


def _are_before(text: str, place: int) -> bool:
    return re.search(r"\bare\s*$", text[:place]) is not None
