"""Draws and encodes the transformer's examples until there are enough: python make_clips.py [thousands of tokens] [seed]."""

import itertools

import numpy as np
import torch

from amounts import amounts
from checkpoint import load_network
from clips import Form, Recipe, make_shard, save_shard, seconds_of, shard_folder
from partners import join, partners
from world.recordings import Recordings, speech_pool
from world.scene import random_scene

# Heights and widths of the picture in latents, how long clips of them may get, and how often they come: half of the sizes
# that requests name, for the first of two stages, and of the whole ones those that are not too large.
SIZES = (
    ((4, 4), 25, 0.18), ((6, 8), 13, 0.22), ((8, 8), 9, 0.25), ((8, 6), 9, 0.05), ((12, 16), 5, 0.12), ((16, 12), 4, 0.03),
    ((9, 16), 5, 0.04), ((16, 9), 5, 0.03), ((16, 16), 3, 0.03), ((24, 32), 2, 0.05),
)
RATES = (25.0, 24.0, 30.0, 8.0, 10.0, 12.0, 15.0, 20.0, 50.0, 60.0)
RATE_SHARES = (0.36, 0.24, 0.12, 0.04, 0.04, 0.04, 0.04, 0.04, 0.04, 0.04)
CLIPS_PER_SHARD = 8


def recipes(random: np.random.Generator, recordings: Recordings) -> list[Recipe]:
    at = random.choice(len(SIZES), p=[share for *_, share in SIZES])
    (height, width), longest, _ = SIZES[at]
    # As many short as long ones: what a caption means is learned from many clips.
    frames = round(longest ** random.random())
    form, fps = Form(frames, height, width), float(random.choice(RATES, p=RATE_SHARES))
    made = []
    for _ in range(CLIPS_PER_SHARD):
        gain = 10 ** (random.uniform(-4, 3) / 20)
        waveform = np.clip(recordings.any(seconds_of(form, fps), random) * gain, -1, 1)
        made.append(Recipe(random_scene(random), waveform, fps, form))
    return made


def main(thousands: float, seed: float) -> None:
    torch.set_num_threads(1)
    video, audio = load_network("video_vae"), load_network("audio_vae")
    recordings = Recordings(speech_pool())
    folder = shard_folder("plain")
    tokens, each = 0, partners()
    for shard in itertools.count(join(), each):
        # One generator per shard, so that a run that is broken off goes on where it was.
        path = folder / f"{seed:.0f}-{shard:05d}.safetensors"
        made = recipes(np.random.default_rng([int(seed), shard]), recordings)
        halves = shard % 3 == 0 and made[0].form.height % 2 == made[0].form.width % 2 == 0
        if not path.exists():
            save_shard(make_shard(made, video, audio, shard, halves=halves), path)
        tokens += made[0].form.tokens * len(made)
        if shard % 10 == 0:
            print(f"clips: {shard} shards, {tokens * each} tokens", flush=True)
        if tokens * each >= thousands * 1000:
            break


if __name__ == "__main__":
    main(*amounts(700, 1))
