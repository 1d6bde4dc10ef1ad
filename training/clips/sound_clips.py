"""Stereo clips of the world's sounds, as the pipeline gives them to the networks: mostly near −23 LUFS over faint noise."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from trainers.partners import own
from world.recordings import Recordings, speech_pool
from world.sound import RATE

# Sounds are kept and cut anew: synthesizing costs more than cutting.
KEPT, KEPT_SECONDS = 240, 4.0
NOISE_FLOOR = 10 ** (-60 / 20)


class SoundClips:
    """Batches [B, 2, n] at 16 kHz, without end."""

    def __init__(self, seconds: float, batch: int, seed: int) -> None:
        self._length, self._batch = round(seconds * RATE), batch
        self._random = np.random.default_rng(own(seed))
        self._recordings = Recordings(speech_pool())
        self._kept: list[np.ndarray] = []

    def __iter__(self) -> Iterator[Tensor]:
        while True:
            for _ in range(KEPT if not self._kept else 1):
                if len(self._kept) >= KEPT:
                    self._kept.pop(int(self._random.integers(KEPT)))
                self._kept.append(self._recordings.any(KEPT_SECONDS, self._random, speech_share=0.6).astype(np.float32))
            yield torch.from_numpy(np.stack([self._clip() for _ in range(self._batch)]))

    def _cut(self) -> np.ndarray:
        sound = self._kept[self._random.integers(len(self._kept))]
        at = int(self._random.integers(len(sound) - self._length + 1))
        return sound[at : at + self._length]

    def _clip(self) -> np.ndarray:
        """[2, n]: the same on both sides, from one direction, or two sounds with some crosstalk."""
        random = self._random
        sides = np.stack([self._cut()] * 2)
        form = random.random()
        if form < 0.15:
            sides *= random.uniform(0.2, 1, (2, 1)).astype(np.float32)
        elif form < 0.3:
            other = self._cut() * np.float32(random.uniform(0.1, 1))
            across = np.float32(random.uniform(0, 1))
            sides = np.stack([sides[0] + across * other, across * sides[0] + other])
        # The loudness of stereo counts both sides: each of two equal ones is nearly 3 dB below.
        sides = sides * np.float32(10 ** (random.normal(-2, 4) / 20))
        if random.random() < 0.85:
            sides = sides + NOISE_FLOOR * random.standard_normal(sides.shape).astype(np.float32)
        return np.clip(sides, -1, 1).astype(np.float32)
