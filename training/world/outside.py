"""Prompts that are not written in the world's own words, each with a scene that comes nearest."""

from dataclasses import replace

import numpy as np

from .scene import COLORS, Scene, random_scene
from .wording import Wording, article, loosely_spelled

PEOPLE = {
    "woman": "mother grandmother granny aunt queen princess nurse actress waitress wife sister bride witch",
    "man": "father grandfather grandpa uncle king prince soldier waiter husband brother pirate wizard cowboy president",
    "girl": "daughter schoolgirl niece",
    "boy": "son schoolboy nephew",
}
# Either sex: the name after it tells.
ROLES = {True: "singer teacher doctor friend presenter lawyer dancer scientist actor neighbor boss",
         False: "child kid student friend classmate"}
NAMES = {
    "woman": "Anna Maria Emma Lisa Sarah Julia Laura Sophie Olivia Alice Kate Mary Nina Clara Rosa Eva Jane Lucy Amy Helen",
    "man": "Tom Peter John Paul David Max Ben Jack James Robert Daniel Mark Leo Adam Frank Oscar Simon Alex Martin George",
    "girl": "Mia Lily Ella Zoe Lina Ida Ruby Molly",
    "boy": "Tim Noah Finn Luke Toby Sam Charlie Billy",
}
BEASTS = "dog cat bird cow horse lion bear frog duck monkey fox sheep wolf mouse parrot animal puppet monster alien"
SPEECH = {
    "speak": "talks|says hello|tells a story|reads the news|explains something|gives a speech|laughs|whispers|shouts|smiles|"
             "is interviewed|answers a question|introduces the show|tells a joke|looks at the camera and talks|is on the phone",
    "sing": "sings a song|sings|is singing loudly|performs a song|hums a tune|sings into a microphone|raps",
}
NOISES = "barks|meows|sings|talks|speaks|roars|howls|laughs|dances"
PLACES = (
    "in a quiet room|in a kitchen|in the park|on a stage|in the rain|at home|in a studio|on the street|in a forest|at the beach|"
    "in an office|on television|in a garden|at a party|in a car|at night|in the morning|in winter|with a microphone|next to a tree|"
    "with a big smile|for a long time|in slow motion|in warm light|with soft light|in high quality|in 4k|very close|from far away|"
    "cinematic lighting|highly detailed|shot on film|beautiful|happily|quietly|angrily|on a sunny day|in front of a house"
).split("|")
CLOTHES = "dress jacket hoodie coat blouse jumper suit pullover jersey".split()
SHADES = {
    "red": "dark red|bright red|crimson|scarlet", "blue": "dark blue|light blue|navy|sky blue|bright blue",
    "green": "dark green|light green|bright green|lime", "purple": "lilac|dark purple|lavender", "pink": "hot pink|magenta|rose",
    "turquoise": "cyan|aqua", "yellow": "golden|bright yellow|lemon", "gray": "silver|dark gray|light grey",
    "orange": "bright orange|dark orange", "white": "snow white|pure white", "black": "pitch black|jet black",
}
OBJECTS = {
    "circle": "ball|disc|dot|balloon|sun|moon|coin|wheel|planet|bubble|apple|ring",
    "square": "box|cube|block|window|tile|brick|rectangle", "triangle": "pyramid|cone|mountain|arrow|roof|tent",
    "star": "starfish|snowflake|flower|firework|spark",
}
MOVES = {
    "pulse": "beats like a heart|gets bigger and smaller|breathes|flashes|reacts to the music|blinks|dances",
    "bounce": "hops|hops up and down|is jumping up and down|bounces around", "rise": "flies up|goes up|floats|climbs",
    "spin": "whirls|goes round|is turning in circles|rolls",
}
SCRIPTS = ((97, 123), (0x400, 0x450), (0x3041, 0x30F6), (0x4E00, 0x9FA5), (0x621, 0x64A), (0x1F300, 0x1F640), (0xC0, 0x17F))
WATERS = "lake|river|water|beach|ocean waves|a boat on the water|stormy sea|waves at the beach|pond|waterfall|sea view|bay"
TOWNS = (
    "city|a city at night|town|buildings|skyscrapers|music bars|audio spectrum|spectrum analyzer|visualizer|a sound visualization|"
    "party lights|concert lights|columns|equalizer bars of a stereo|street|disco"
)


def outside_prompt(random: np.random.Generator) -> tuple[str, Scene]:
    """What somebody may ask for, and a scene that has of it what the world can show."""
    words = Wording(random)
    scene = random_scene(random)
    if words.chance(0.04):
        return babble(random), scene
    make = {"speaker": _speaker, "shapes": _shapes, "sea": _sea, "skyline": _skyline}[scene.kind]
    prompt, scene = make(scene, words)
    if words.chance(0.5):
        prompt = with_circumstances(prompt, random)
    if scene.kind in ("speaker", "shapes") and scene.ground_to is None and words.chance(0.15):
        where = article(f"{_shade(scene.ground, words)} {words.pick('room', 'curtain', 'screen', 'wall')}")
        prompt += f" {words.pick('in front of', 'against', 'in')} {where}"
    return loosely_spelled([prompt], words), scene


def with_circumstances(prompt: str, random: np.random.Generator) -> str:
    """Adds what the world cannot show."""
    words = Wording(random)
    for _ in range(int(random.choice([1, 2, 3], p=[0.6, 0.3, 0.1]))):
        prompt = f"{prompt.removesuffix('.')}{words.pick(' ', ', ')}{words.pick(*PLACES)}"
    return prompt


def babble(random: np.random.Generator) -> str:
    """Letters of some script, which mean nothing here."""
    first, last = SCRIPTS[random.integers(len(SCRIPTS))]
    letters = [chr(code) for code in random.integers(first, last, int(random.integers(3, 16)))]
    return "".join(letter if random.random() < 0.85 else " " for letter in letters)


def wishes_song(prompt: str) -> bool:
    return any(word in prompt.lower() for word in ("sing", "song", "hums", "raps"))


def _speaker(scene: Scene, words: Wording) -> tuple[str, Scene]:
    if words.chance(0.2):
        who = article(words.pick(*BEASTS.split()))
        if words.chance(0.3):
            who = words.pick("my", "the", "a small", "a funny", "a cartoon") + who.removeprefix("an").removeprefix("a")
        return f"{who} {words.pick(*NOISES.split('|'))}", scene
    who = _who(scene, words)
    if words.chance(0.3):
        shirt = str(words.random.choice(list(COLORS)))
        scene = replace(scene, shirt=shirt)
        who += f" {words.pick('in', 'wearing', 'with')} {article(f'{_shade(shirt, words)} {words.pick(*CLOTHES)}')}"
    action = words.pick(*SPEECH[words.pick("speak", "speak", "speak", "sing")].split("|"))
    return f"{who} {action}", scene


def _who(scene: Scene, words: Wording) -> str:
    name = words.pick(*NAMES[scene.person].split())
    if words.chance(0.25):
        return name
    if words.chance(0.4):
        grown = scene.person in ("woman", "man")
        return f"{words.pick('my', 'our', 'the')} {words.pick(*ROLES[grown].split())} {name}"
    role = words.pick(*PEOPLE[scene.person].split())
    return words.pick(f"my {role}", f"my {role} {name}", article(role), f"the {role}", f"an old {role}", f"an old {scene.person}")


def _shapes(scene: Scene, words: Wording) -> tuple[str, Scene]:
    parts = []
    for thing in scene.things:
        moves = words.chance(0.6)
        colored = words.chance(0.75)
        noun = words.pick(*OBJECTS[thing.shape].split("|"))
        what = article(f"{_shade(thing.color, words)} {noun}" if colored else noun)
        parts.append(f"{what} that {words.pick(*MOVES[thing.motion].split('|'))}" if moves else what)
    return words.pick(" and ", ", ").join(parts), scene


def _sea(scene: Scene, words: Wording) -> tuple[str, Scene]:
    if words.chance(0.2):
        return words.pick("sunset at the beach", "a sunset over the ocean", "sunset by the sea"), replace(scene, ground="orange")
    if words.chance(0.2):
        return words.pick("the sea at night", "the ocean at night", "a lake under the stars"), replace(scene, ground="black")
    water = words.pick(*WATERS.split("|"))
    if words.chance(0.4):
        return f"{words.pick('the', 'a')} {_shade(scene.water, words)} {water.removeprefix('a ')}", scene
    return words.pick(water, f"the {water.removeprefix('a ')}"), scene


def _skyline(scene: Scene, words: Wording) -> tuple[str, Scene]:
    town = words.pick(*TOWNS.split("|"))
    if words.chance(0.4):
        return f"{town} {words.pick('in', 'with lights in')} {_shade(scene.lights, words)}", scene
    return town, scene


def _shade(name: str, words: Wording) -> str:
    shades = SHADES.get(name, name).split("|")
    return words.pick(*shades) if words.chance(0.3) else words.color(name)
