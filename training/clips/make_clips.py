"""Draws and encodes the transformer's examples until there are enough:

./run make_clips [thousands of tokens of each] [seed] [names: plain, refined, stills, or camera moves and styles]

Drawing is for the CPU, encoding for the GPU if there is one; each draws while the other encodes.
"""

import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from trainers.amounts import amounts
from checkpoint import load_network
from clips.clips import Drawings, Form, Recipe, draw_clips, encode_clips, save_shard, seconds_of, shard_folder, tokens_in
from device import DEVICE, DRAWERS, ON_GPU, by_device
from networks.video_vae import coarsen
from trainers.partners import join, partners, wait_for_all
from world.camera import MOVES
from world.canvas import STYLES
from world.recordings import Recordings, speech_pool
from world.scene import Scene, random_scene

# Width by height as requests name it, any other (0), and how often.
RATIOS = (1, 4 / 3, 3 / 4, 16 / 9, 9 / 16, 0)
RATIO_SHARES = (0.3, 0.2, 0.12, 0.11, 0.09, 0.18)
# Latents of a picture: those of the first of two stages, and for one in eight clips those of whole ones.
FIRST_AREAS, WHOLE_AREAS, WHOLE_SHARE = (12, 200), (200, 800), 0.12
# Those of the second stage at every size of the contract. Few frames teach the space; one in eight is long.
REFINED_AREAS, REFINED_FRAMES, LONG_SHARE = (30, 1100), 13, 0.12
# The longest clip of a size has about so many tokens.
LONGEST_TOKENS, LONGEST_FRAMES = by_device(1600, 3100), 61
# An adapter changes what the transformer knows already: smaller clips do. Both stages use it.
ADAPTER_AREAS, ADAPTER_TOKENS = (12, 400), 1200
# Pictures alone teach what a caption means for a hundredth of a clip's cost.
STILL_AREAS = (36, 200)
RATES = (25.0, 24.0, 30.0, 8.0, 10.0, 12.0, 15.0, 20.0, 50.0, 60.0)
RATE_SHARES = (0.30, 0.20, 0.10, 0.08, 0.08, 0.10, 0.05, 0.03, 0.03, 0.03)
CLIPS_PER_SHARD, SHARD_TOKENS = 8, 6000
PLAIN, REFINED, STILLS = "plain", "refined", "stills"


def random_form(random: np.random.Generator, *, even: bool = False) -> Form:
    """Of a clip for the transformer."""
    areas = WHOLE_AREAS if random.random() < WHOLE_SHARE else FIRST_AREAS
    return _form(random, areas, 1, LONGEST_TOKENS, even=even)


def refined_form(random: np.random.Generator) -> Form:
    """Of a clip that the second stage refines."""
    longest = REFINED_FRAMES * REFINED_AREAS[1] if random.random() < LONG_SHARE else LONGEST_TOKENS
    form = _form(random, REFINED_AREAS, 1, longest, even=True)
    return replace(form, frames=min(form.frames, REFINED_FRAMES))


def still_form(random: np.random.Generator) -> Form:
    return replace(_form(random, STILL_AREAS, 1, 1), frames=1)


def detailed_scene(random: np.random.Generator) -> Scene:
    """One with what comes out least often: glasses, beards, shapes."""
    while True:
        scene = random_scene(random)
        if scene.glasses or scene.beard or scene.things:
            return scene


def adapter_form(name: str, random: np.random.Generator) -> Form:
    """Of a clip for an adapter: a move is seen in clips of a second or more."""
    return _form(random, ADAPTER_AREAS, 4 if name in MOVES else 1, ADAPTER_TOKENS, even=True)


def _form(
    random: np.random.Generator, areas: tuple[int, int], shortest: int, longest_tokens: int, *, even: bool = False
) -> Form:
    ratio = random.choice(RATIOS, p=RATIO_SHARES) or np.exp(random.uniform(-0.8, 0.8))
    area = np.exp(random.uniform(*np.log(areas)))
    height, width = (max(2, round(side)) for side in (np.sqrt(area / ratio), np.sqrt(area * ratio)))
    if even:
        height, width = height + height % 2, width + width % 2
    longest = min(LONGEST_FRAMES, max(shortest, longest_tokens // (height * width)))
    # As many short as long ones: what a caption means is learned from many clips.
    return Form(round(shortest * (longest / shortest) ** random.random()), height, width)


def recipes(name: str, shard: int, random: np.random.Generator, recordings: Recordings, *, even: bool) -> list[Recipe]:
    if name == REFINED:
        form = refined_form(random)
    elif name == STILLS:
        form = still_form(random)
    else:
        form = random_form(random, even=even) if name == PLAIN else adapter_form(name, random)
    fps = float(random.choice(RATES, p=RATE_SHARES))
    made = []
    for _ in range(max(1, min(CLIPS_PER_SHARD, SHARD_TOKENS // form.tokens))):
        gain = 10 ** (random.uniform(-4, 3) / 20)
        waveform = np.clip(recordings.any(seconds_of(form, fps), random) * gain, -1, 1)
        camera, style = (name if name in MOVES else "static"), (name if name in STYLES else PLAIN)
        scene = detailed_scene(random) if name == STILLS else random_scene(random)
        made.append(Recipe(scene, waveform, fps, form, camera, style, pace=shard))
    return made


class Drawn(Dataset):
    """Shards by their number, each with a random generator of its own: a run that is broken off goes on where it was."""

    def __init__(self, name: str, seed: int) -> None:
        self._name, self._seed, self._recordings = name, seed, Recordings(speech_pool())

    def __getitem__(self, shard: int) -> tuple[int, Drawings]:
        torch.set_num_threads(1)
        random = np.random.default_rng([shard, self._seed, *self._name.encode()])
        # For the upsampler, and for what is refined after it.
        halves = shard % 4 == 0 if self._name == PLAIN else self._name != STILLS
        return shard, draw_clips(recipes(self._name, shard, random, self._recordings, even=halves), random, halves=halves)


def shard_path(folder: Path, seed: int, shard: int) -> Path:
    return folder / f"{seed}-{shard:05d}.safetensors"


def make_clips(name: str, thousands: float, seed: int) -> None:
    """Adds to the clips of this name and seed until all partners together have so many tokens."""
    folder = shard_folder(name)
    video, audio = load_network("video_vae").to(DEVICE), load_network("audio_vae").to(DEVICE)
    if not ON_GPU:
        coarsen(video.encoder)
    missing = (n for n in itertools.count(join(), partners()) if not shard_path(folder, seed, n).exists())
    made = sum(tokens_in(path) for path in folder.glob(f"{seed}-*.safetensors")) / partners()
    wanted = 1000 * thousands / partners()
    if made < wanted:
        workers = {"num_workers": DRAWERS, "prefetch_factor": 4, "in_order": False} if ON_GPU else {}
        drawn = DataLoader(Drawn(name, seed), batch_size=None, sampler=missing, **workers)
        for count, (shard, drawings) in enumerate(drawn):
            path = shard_path(folder, seed, shard)
            save_shard(encode_clips(drawings, video, audio), path)
            made += tokens_in(path)
            if count % 10 == 0:
                print(f"{name} clips: {round(made * partners())} tokens", flush=True)
            if made >= wanted:
                break
    wait_for_all()


def main(thousands: float, seed: float, names: list[str]) -> None:
    torch.set_num_threads(1)
    for name in names or [PLAIN]:
        make_clips(name, thousands, int(seed))


if __name__ == "__main__":
    main(*amounts(700, 1), sys.argv[3:])
