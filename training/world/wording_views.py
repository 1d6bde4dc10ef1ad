"""The sea and the skyline, in words."""

from .scene import Scene
from .wording import Wording, article

WAVES = [("rise", "rising"), ("swell", "swelling"), ("rise and fall", "rising and falling"), ("roll", "rolling")]
DANCES = [("dance", "dancing"), ("move", "moving"), ("jump", "jumping"), ("rise and fall", "rising and falling")]
SOUND = ["with the sound", "with the sound", "to the sound"]


def sea_sentences(scene: Scene, said: set[str], words: Wording, *, brief: bool) -> list[str]:
    """`said`: "water", "sky", "waves" (that they follow the sound)."""
    water = words.color(scene.water) if "water" in said else ""
    sea = words.pick("sea", "sea", "sea", "ocean")
    a_sea = article(f"{water} {sea}") if water else f"the {sea}"
    if water and words.chance(0.15):
        a_sea = f"the {water} {sea}"
    sky = _sky(scene, words, brief=brief) if "sky" in said else ""
    if "waves" not in said:
        if words.chance(0.2):
            a_sea = f"{water} waves".strip()
        return [a_sea + _under(sky, words)]
    base, participle = WAVES[words.random.integers(len(WAVES))]
    sound = words.pick(*SOUND)
    waves = f"{water} waves".strip()
    forms = [
        [f"{a_sea} whose waves {base} {sound}{_under(sky, words)}"],
        [f"{a_sea} with waves {participle} {sound}{_under(sky, words)}"],
        [f"{a_sea}{_under(sky, words)}, {words.pick('its waves', 'the waves', 'waves')} {participle} {sound}"],
        [f"{waves} {words.pick(base, f'are {participle}')} {sound}{_under(sky, words)}"],
    ]
    if sky:
        forms.append([f"under {article(sky)}, {waves} {words.pick(base, f'are {participle}')} {sound}"])
    if not brief:
        forms.append([a_sea + _under(sky, words), f"the waves {words.pick(base, f'are {participle}')} {sound}"])
        if sky:
            forms.append([f"{waves} {words.pick(base, f'are {participle}')} {sound}", f"the sky is {words.color(scene.ground)}"])
    sentences = forms[words.random.integers(len(forms))]
    if sky and not brief and words.chance(0.25):
        light = "white moon" if scene.ground == "black" else "yellow sun"
        sentences = [*sentences, f"a {light} {words.pick('is', 'stands', 'hangs')} in the sky"]
    return sentences


def _sky(scene: Scene, words: Wording, *, brief: bool) -> str:
    sky = f"{words.color(scene.ground)} sky"
    if scene.ground == "black" and words.chance(0.3):
        return words.pick("black night sky", "night sky") if brief else "black night sky"
    if scene.ground == "orange" and words.chance(0.2):
        return "orange sunset sky"
    return sky


def _under(sky: str, words: Wording) -> str:
    if not sky:
        return ""
    return words.pick(f", {sky}", f" under {article(sky)}", f" under {article(sky)}", f" below {article(sky)}")


def skyline_sentences(scene: Scene, said: set[str], words: Wording, *, brief: bool) -> list[str]:
    """`said`: "lights", "ground", "dance" (that they follow the sound)."""
    color = words.color(scene.lights) if "lights" in said else ""
    equalizer = words.pick("equalizer", "equaliser")
    bars = words.pick(f"{color} bars", f"{color} {equalizer} bars").strip()
    subject = words.pick(
        f"a skyline of {bars}", f"a skyline of {bars}", f"a city skyline of {bars}", f"a row of {bars}",
        article(f"{color} {equalizer}".strip()), article(f"{color} {equalizer} skyline".strip()),
        *([] if color else ["a skyline", "a city skyline"]),
    )
    ground = _behind(scene, words) if "ground" in said else ""
    if "dance" not in said:
        return [(bars if words.chance(0.15) else subject) + ground]
    base, participle = DANCES[words.random.integers(len(DANCES))]
    sound = words.pick(*SOUND, "to the music")
    forms = [
        [f"{subject} {participle} {sound}{ground}"],
        [f"{subject} is {participle} {sound}{ground}"],
        [f"{bars} {words.pick(base, f'are {participle}')} {sound}{ground}"],
    ]
    if not brief:
        forms.append([subject + ground, f"the bars {words.pick(base, f'are {participle}')} {sound}"])
        if ground:
            forms.append([f"{bars} {words.pick(base, f'are {participle}')} {sound}", words.ground_sentence(scene)])
    return forms[words.random.integers(len(forms))]


def _behind(scene: Scene, words: Wording) -> str:
    if words.chance(0.2):
        return f" {words.pick('under', 'against')} {article(f'{words.color(scene.ground)} sky')}"
    return words.ground(scene)
