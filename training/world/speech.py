"""Sentences spoken by espeak-ng in many voices."""

import subprocess
import wave
from io import BytesIO

import numpy as np

from .sound import RATE

VOICES = ["en", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-029", "de", "fr", "es", "it", "nl", "sv", "pl"]
VARIANTS = ["", "+m1", "+m3", "+m5", "+m7", "+f1", "+f2", "+f3", "+f4", "+f5"]
SUBJECTS = ["the weather", "my neighbor", "this morning", "a small boat", "the old clock", "our garden", "the train",
            "a good story", "the river", "your letter", "the market", "a quiet evening", "the music", "an open door"]
VERBS = ["is", "was never", "will be", "seems", "has always been", "could be", "looks"]
ENDS = ["very different today", "wonderful to see", "far away from here", "on the other side of town", "late again",
        "just around the corner", "bright and warm", "hard to believe", "ready for you", "full of surprises"]
OPENINGS = ["hello", "well", "listen", "you know", "good morning", "I think", "believe me", "oh", "today", "by the way"]


def sentence(random: np.random.Generator) -> str:
    pick = lambda words: words[random.integers(len(words))]  # noqa: E731
    text = f"{pick(SUBJECTS)} {pick(VERBS)} {pick(ENDS)}"
    if random.random() < 0.6:
        text = f"{pick(OPENINGS)}, {text}"
    return f"{text}. {sentence(random)}" if random.random() < 0.45 else f"{text}."


def speak(random: np.random.Generator) -> np.ndarray:
    """[n] at 16 kHz."""
    voice = VOICES[random.integers(len(VOICES))] + VARIANTS[random.integers(len(VARIANTS))]
    settings = ["-s", str(random.integers(120, 190)), "-p", str(random.integers(20, 80))]
    command = ["espeak-ng", "--stdout", "-v", voice, *settings, sentence(random)]
    spoken = subprocess.run(command, check=True, capture_output=True).stdout
    with wave.open(BytesIO(spoken)) as reader:
        rate = reader.getframerate()
        samples = np.frombuffer(spoken[44:], "<i2").astype(np.float64) / 32768
    at = np.arange(int(len(samples) * RATE / rate)) * rate / RATE
    return np.interp(at, np.arange(len(samples)), samples)
