"""Draws and encodes the transformer's examples until there are enough: python make_clips.py [thousands of tokens] [seed]."""

import numpy as np
import torch

from amounts import amounts
from checkpoint import load_network
from clips import Form, Recipe, make_shard, save_shard, seconds_of, shard_folder
from world.recordings import Recordings, speech_pool
from world.scene import random_scene

# Heights and widths of the picture in latents, how long clips of them may get, and how often they come.
SIZES = (
    ((4, 4), 25, 0.24), ((6, 8), 13, 0.26), ((8, 6), 9, 0.06), ((8, 8), 9, 0.16), ((8, 12), 6, 0.08), ((12, 8), 5, 0.04),
    ((12, 16), 4, 0.12), ((24, 32), 2, 0.04),
)
RATES = (25.0, 24.0, 30.0, 8.0, 10.0, 12.0, 15.0, 20.0, 50.0, 60.0)
RATE_SHARES = (0.36, 0.24, 0.12, 0.04, 0.04, 0.04, 0.04, 0.04, 0.04, 0.04)
CLIPS_PER_SHARD = 8


def recipes(random: np.random.Generator, recordings: Recordings) -> list[Recipe]:
    at = random.choice(len(SIZES), p=[share for *_, share in SIZES])
    (height, width), longest, _ = SIZES[at]
    frames = int(random.integers(min(3, longest), longest + 1))
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
    done = tokens = 0
    while tokens < thousands * 1000:
        # One generator per shard, so that a run that is broken off goes on where it was.
        path = folder / f"{seed:.0f}-{done:05d}.safetensors"
        random = np.random.default_rng([int(seed), done])
        made = recipes(random, recordings)
        if not path.exists():
            save_shard(make_shard(made, video, audio, done, halves=done % 3 == 0), path)
        done += 1
        tokens += made[0].form.tokens * len(made)
        if done % 10 == 0:
            print(f"clips: {done} shards, {tokens} tokens", flush=True)


if __name__ == "__main__":
    main(*amounts(1000, 1))
