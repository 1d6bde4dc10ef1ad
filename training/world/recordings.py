"""A pool of recordings made once, and clips of sound cut from it."""

import os
from pathlib import Path

import numpy as np

from checkpoint import RUNS

from .sound import RATE, synthesize, to_level
from .speech import speak

KINDS = ["drums", "tones", "chirps", "music", "noise", "silence"]


def speech_pool(count: int = 400) -> Path:
    """The sentences all trainings share; spoken when first asked for."""
    path = RUNS / "speech.npz"
    if not path.exists():
        RUNS.mkdir(parents=True, exist_ok=True)
        # Partners may be at it too: each makes the same one, and the last stays.
        own = path.with_stem(f"speech-{os.getpid()}")
        make_pool(own, count, seed=1)
        own.rename(path)
    return path


def make_pool(path: Path, count: int, seed: int) -> None:
    """Speech as one array with offsets; everything else is synthesized as it is needed."""
    random = np.random.default_rng(seed)
    spoken = [to_level(speak(random)).astype(np.float32) for _ in range(count)]
    np.savez(path, sound=np.concatenate(spoken).astype(np.float16), lengths=[len(s) for s in spoken])


class Recordings:
    def __init__(self, path: Path) -> None:
        stored = np.load(path)
        ends = np.cumsum(stored["lengths"])
        self._spoken = np.split(stored["sound"].astype(np.float32), ends[:-1])

    def speech(self, seconds: float, random: np.random.Generator) -> np.ndarray:
        """Sentences with pauses between them; [seconds · 16000]."""
        n = int(seconds * RATE)
        parts = [np.zeros(int(random.uniform(0, 0.5) * RATE), np.float32)]
        while sum(map(len, parts)) < n:
            sentence = self._spoken[random.integers(len(self._spoken))]
            start = int(random.integers(max(1, len(sentence) - RATE // 2))) if random.random() < 0.5 else 0
            parts += [sentence[start:], np.zeros(int(random.uniform(0.1, 0.7) * RATE), np.float32)]
        return np.concatenate(parts)[:n]

    def any(self, seconds: float, random: np.random.Generator, speech_share: float = 0.5) -> np.ndarray:
        if random.random() < speech_share:
            return self.speech(seconds, random)
        kind = KINDS[random.integers(len(KINDS))]
        sound = to_level(synthesize(kind, seconds, random)).astype(np.float32)
        return sound + 10 ** (-60 / 20) * random.standard_normal(len(sound)).astype(np.float32)
