"""How the product asks the language model to expand a prompt, and what it is to answer."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from world.caption import full_caption, polished_caption, short_caption
from world.outside import outside_prompt, wishes_song, with_circumstances
from world.scene import COLORS, HAIR, Scene, random_scene

EXPANSION = Path(__file__).parents[2] / "src/ltx2/text/generation/prompt-expansion.ts"


def instruction() -> str:
    """The product's own words, so that what is learned is what is asked."""
    return re.search(r"const instruction = `([^`]*)`", EXPANSION.read_text(encoding="utf-8"))[1]


def question() -> str:
    """A conversation up to the prompt, as the chat template writes it: what all conversations begin with."""
    return f"<bos><start_of_turn>user\n{instruction()}\n\nuser prompt:"


def reply_to(prompt: str) -> str:
    """What comes between the question and the answer."""
    return f" {prompt.strip()}<end_of_turn>\n<start_of_turn>model\n"


def asked(random: np.random.Generator) -> tuple[str, Scene]:
    """A prompt and a scene it is true of."""
    kind = random.random()
    if kind < 0.25:
        return outside_prompt(random)
    scene = random_scene(random)
    if scene.kind == "speaker" and random.random() < 0.4:
        scene = adorned(scene, random)
    if kind < 0.4:
        scene = unlikely(scene, random)
    prompt = short_caption(scene, random) if kind < 0.8 else full_caption(scene, random)
    return with_circumstances(prompt, random) if random.random() < 0.12 else prompt, scene


def adorned(scene: Scene, random: np.random.Generator) -> Scene:
    """With a beard or glasses: rare in the world, and easily lost where a prompt says little else."""
    if scene.person == "man" and random.random() < 0.7:
        return replace(scene, beard=True)
    return replace(scene, glasses=True)


def unlikely(scene: Scene, random: np.random.Generator) -> Scene:
    """Colors that the world does not put together, or has not got there: they are to be kept all the same."""
    color = lambda: str(random.choice(list(COLORS)))  # noqa: E731
    mixed = random.permutation(list(COLORS))
    return replace(
        scene, ground=color(), shirt=color() if scene.shirt else "", lights=color() if scene.lights else "",
        hair=str(random.choice([*HAIR, *COLORS])) if scene.hair else "", water=color() if scene.water else "",
        things=tuple(replace(thing, color=str(mixed[index])) for index, thing in enumerate(scene.things)),
    )


def exchange(random: np.random.Generator) -> tuple[str, str]:
    """A prompt and a full caption that keeps all it asks for."""
    prompt, scene = asked(random)
    song = scene.kind == "speaker" and wishes_song(prompt)
    while True:
        answer = polished_caption(scene, random)
        if scene.kind != "speaker" or wishes_song(answer) == song:
            return prompt, answer
