"""People who talk, in words."""

from .scene import Scene
from .wording import Wording, article, join

# What a caption can say of a speaker. "verb" is that they speak.
SPEAKER_FACTS = ("person", "hair", "style", "shirt", "glasses", "beard", "ground", "verb")
PRONOUNS = {"woman": ("she", "her"), "girl": ("she", "her"), "man": ("he", "him"), "boy": ("he", "him")}
NOUNS = {
    "woman": ["woman"] * 6 + ["lady", "young woman"],
    "man": ["man"] * 6 + ["guy", "young man"],
    "girl": ["girl"] * 6 + ["little girl", "young girl"],
    "boy": ["boy"] * 6 + ["little boy", "young boy"],
}
VERBS = [("speaks", "speaking")] * 4 + [("talks", "talking")] * 3 + [("sings", "singing")]
TARGETS = ["to the camera"] * 4 + [""] * 3 + ["into the camera", "to the viewer"]
FRAMES = ["close-up", "portrait", "video", "cartoon", "shot", "clip"]


def speaker_sentences(scene: Scene, said: set[str], words: Wording, *, brief: bool) -> list[str]:
    """One to three sentences that state the facts in `said` and no other. `brief`: one sentence, or only its subject."""
    nouns = [scene.person] if words.plain else NOUNS[scene.person]
    noun = words.pick(*nouns) if "person" in said else words.pick("person", "person", "cartoon person")
    she, her = PRONOUNS[scene.person]
    if brief or "person" not in said or words.chance(0.6):
        return [_one_sentence(scene, said, words, noun)]
    # Some of the looks in a sentence of their own, the place in the first or the last.
    absent = {fact for fact in ("glasses", "beard") if not getattr(scene, fact)}
    looks = [fact for fact in ("hair", "style", "shirt", "glasses", "beard") if fact in said - absent]
    early = {fact for fact in looks if words.chance(0.3)}
    if "hair" in early or "style" in early:
        early |= {"hair", "style"} & said
    late = {fact for fact in looks if fact not in early}
    if late == {"hair"} and scene.hair_style == "bald":
        late = set()
    place_first = "ground" in said and words.chance(0.45)
    first = _one_sentence(scene, early | {"person", "verb"} | ({"ground"} if place_first else set()), words, noun)
    sentences = [first]
    if late:
        sentences.append(_looks_sentence(scene, late, words, she))
    if "ground" in said and not place_first:
        sentences.append(words.ground_sentence(scene, her))
    return sentences


def _one_sentence(scene: Scene, said: set[str], words: Wording, noun: str) -> str:
    who = _described(scene, said, words, noun)
    ground = words.ground(scene) if "ground" in said else ""
    finite, participle = _verb(words)
    if "verb" not in said:
        return who + ground
    if words.chance(0.12):
        return f"{article(words.pick(*FRAMES))} of {who} {participle}{ground}"
    spoken = words.pick(finite, f"is {participle}", f"is {participle}")
    if ground and words.chance(0.15):
        where = words.ground(scene, bare=False).strip()
        return f"{where}{words.pick(', ', ', ', ' ')}{who} {spoken}"
    return f"{who} {spoken}{ground}"


def _verb(words: Wording) -> tuple[str, str]:
    verb = VERBS[words.random.integers(len(VERBS))]
    target = words.pick(*TARGETS)
    return tuple(f"{form} {target}".strip() for form in verb)


def _described(scene: Scene, said: set[str], words: Wording, noun: str) -> str:
    """The person with some of the looks before and the rest behind: "a bearded man with red hair in a blue shirt"."""
    before, features, worn = [], [], []
    left = set(said)
    if "beard" in said and scene.beard and scene.hair_style != "bald" and words.chance(0.3):
        before.append("bearded")
        left.discard("beard")
    hair_before = _hair_before(scene, left, words) if words.chance(0.3) else ""
    if hair_before:
        before.append(hair_before)
    for feature in _head(scene, left, words):
        features.append(feature)
    if "shirt" in said:
        worn.append(_shirt(scene, words))
    if "glasses" in said and scene.glasses:
        (worn if worn and words.chance(0.35) else features).append("glasses")
    if words.chance(0.35):  # All in one list.
        features, worn = _shuffled(features + worn, words), []
    parts = []
    if features:
        parts.append(f"with {join(_shuffled(features, words))}")
    if worn == ["glasses"] or len(worn) > 1:
        parts.append(f"wearing {join(_shuffled(worn, words))}")
    elif worn:
        dressed = f"dressed in {words.color(scene.shirt)}"
        parts.append(words.pick(f"in {worn[0]}", f"in {worn[0]}", f"wearing {worn[0]}", f"wearing {worn[0]}", dressed))
    return " ".join([article(" ".join([*before, noun])), *_shuffled(parts, words)])


def _hair_before(scene: Scene, left: set[str], words: Wording) -> str:
    """An adjective about the hair, if there is one; what it says is taken out of `left`."""
    if "style" in left and scene.hair_style == "bald":
        left -= {"style", "hair"}
        return "bald"
    if "hair" in left and (scene.hair_style != "bald"):
        left.discard("hair")
        color = words.color(scene.hair)
        return words.pick("blonde", "blonde", "blond", "blonde-haired") if color == "blonde" else f"{color}-haired"
    if "style" in left:
        left.discard("style")
        return f"{scene.hair_style}-haired"
    return ""


def _head(scene: Scene, left: set[str], words: Wording) -> list[str]:
    parts = []
    color = words.color(scene.hair)
    if "style" in left and scene.hair_style == "bald":
        parts.append(words.pick("a bald head", "a bald head", "no hair"))
    elif {"hair", "style"} <= left:
        curls = [f"{color} curls"] if scene.hair_style == "curly" else []
        parts.append(words.pick(*[f"{scene.hair_style} {color} hair"] * 3, f"{scene.hair_style}, {color} hair", *curls))
    elif "style" in left:
        parts.append(f"{scene.hair_style} hair")
    elif "hair" in left and scene.hair_style != "bald":
        parts.append(words.pick("blonde hair", "blond hair") if color == "blonde" else f"{color} hair")
    if "beard" in left and scene.beard:
        parts.append(article(f"{color} beard") if scene.hair_style == "bald" or words.chance(0.15) else "a beard")
    return parts


def _shirt(scene: Scene, words: Wording) -> str:
    piece = "shirt" if words.plain else words.pick(*["shirt"] * 4, "top", "sweater", "T-shirt")
    return article(f"{words.color(scene.shirt)} {piece}")


def _looks_sentence(scene: Scene, said: set[str], words: Wording, she: str) -> str:
    """ "she has short red hair and is wearing a green shirt" """
    has = _head(scene, said, words)
    worn = [_shirt(scene, words)] if "shirt" in said else []
    if "glasses" in said and scene.glasses:
        (worn if words.chance(0.6) else has).append("glasses")
    clauses = []
    if has:
        clauses.append(f"has {join(_shuffled(has, words))}")
    if worn:
        clauses.append(f"{words.pick('wears', 'is wearing')} {join(_shuffled(worn, words))}")
    return f"{she} {' and '.join(_shuffled(clauses, words))}"


def _shuffled(parts: list[str], words: Wording) -> list[str]:
    return [parts[index] for index in words.random.permutation(len(parts))]
