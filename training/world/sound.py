"""What the pictures follow: features of a waveform at the times of the frames."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

RATE = 16_000
BANDS = 8
# Of loudness and pitch, in hundredths of a second: faster than this no mouth opens and closes.
SMOOTHING = 21


@dataclass
class SoundFeatures:
    """One value per frame, 0…1."""

    loudness: Tensor  # [T]
    brightness: Tensor  # [T]: spectral centroid, 150 Hz…4 kHz on a logarithmic scale
    beat: Tensor  # [T]: 1 at an onset, decaying
    bands: Tensor  # [T, BANDS]

    def part(self, frames: slice) -> "SoundFeatures":
        return SoundFeatures(*(values[frames] for values in (self.loudness, self.brightness, self.beat, self.bands)))


def analyze(waveform: np.ndarray, frames: int, fps: float) -> SoundFeatures:
    """waveform [n] at 16 kHz → features at (i + 0.5) / fps."""
    hop = 160
    size = 640
    padded = np.pad(waveform.astype(np.float32), (size // 2, size))
    count = len(waveform) // hop + 1
    index = np.arange(size)[None] + hop * np.arange(count)[:, None]
    windows = padded[np.minimum(index, len(padded) - 1)] * np.hanning(size).astype(np.float32)
    power = np.abs(np.fft.rfft(windows, axis=1)) ** 2  # [count, 321]
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    energy = power[:, 3:].sum(1) / (size * size * 0.19)
    level = np.clip((10 * np.log10(energy + 1e-9) + 48) / 28, 0, 1)
    centroid = (power * hertz).sum(1) / (power.sum(1) + 1e-9)
    bright = np.clip(np.log(np.maximum(centroid, 1) / 150) / np.log(4000 / 150), 0, 1)
    edges = np.geomspace(80, 7000, BANDS + 1)
    bands = np.stack([power[:, (hertz >= low) & (hertz < high)].sum(1) for low, high in zip(edges, edges[1:])], 1)
    bands = np.clip((10 * np.log10(bands / (size * size * 0.19) + 1e-9) + 55) / 35, 0, 1)
    rise = np.maximum(level - np.roll(level, 4), 0)
    rise[:4] = 0
    beat = np.zeros(count, np.float32)
    held = 0.0
    for i, step in enumerate(rise):
        held = max(held * np.exp(-hop / RATE / 0.12), min(1.0, 2.5 * step) if step > 0.18 else 0.0)
        beat[i] = held
    bright = _smoothed(bright * level) / (_smoothed(level) + 1e-3)
    level = _smoothed(level)
    bands = np.stack([_smoothed(bands[:, b]) for b in range(BANDS)], 1)
    at = (np.arange(frames) + 0.5) / fps * RATE / hop
    times = np.arange(count)
    pick = lambda values: torch.from_numpy(np.interp(at, times, values).astype(np.float32))  # noqa: E731
    return SoundFeatures(
        pick(level), pick(bright), pick(beat), torch.stack([pick(bands[:, b]) for b in range(BANDS)], 1)
    )


def _smoothed(values: np.ndarray) -> np.ndarray:
    weights = np.hanning(SMOOTHING)
    whole = np.convolve(values, weights / weights.sum())
    return whole[SMOOTHING // 2 :][: len(values)]


def to_level(waveform: np.ndarray, decibels: float = -23.0) -> np.ndarray:
    """Scales the loud parts to the level that audio conditioning normalizes to."""
    blocks = waveform[: len(waveform) // 400 * 400].reshape(-1, 400)
    rms = np.sqrt((blocks**2).mean(1)) if len(blocks) else np.zeros(1)
    active = rms[rms > 0.1 * rms.max()] if rms.max() > 1e-5 else rms
    level = np.sqrt((active**2).mean()) if len(active) else 0.0
    return waveform if level < 1e-5 else np.clip(waveform * 10 ** (decibels / 20) / level, -1, 1)


def synthesize(kind: str, seconds: float, random: np.random.Generator) -> np.ndarray:
    """drums, tones, chirps, music, noise or silence; [n] at 16 kHz."""
    n = int(seconds * RATE)
    t = np.arange(n) / RATE
    out = np.zeros(n)
    if kind == "drums":
        gap = random.uniform(0.25, 0.6)
        for hit in np.arange(random.uniform(0, gap), seconds, gap):
            if random.random() < 0.15:
                continue
            s = t - hit
            live = np.where(s >= 0, np.exp(-np.clip(s, 0, None) / random.uniform(0.04, 0.12)), 0)
            low = np.sin(2 * np.pi * random.uniform(60, 160) * s)
            out += live * (low + random.uniform(0.1, 0.6) * random.standard_normal(n)) * random.uniform(0.5, 1)
    elif kind == "tones":
        at = random.uniform(0, 0.3)
        while at < seconds:
            length = random.uniform(0.15, 0.7)
            pitch = 110 * 2 ** (random.integers(0, 48) / 12)
            s = t - at
            shape = np.clip(s / 0.02, 0, 1) * np.clip((length - s) / 0.05, 0, 1) * ((s >= 0) & (s < length))
            out += shape * sum(np.sin(2 * np.pi * pitch * h * s) / h for h in range(1, 4)) * random.uniform(0.4, 1)
            at += length + random.choice([0.0, random.uniform(0.05, 0.5)])
    elif kind == "chirps":
        low, high = np.sort(random.uniform(120, 3500, 2))
        period = random.uniform(0.6, 2.0)
        phase = (t / period + random.random()) % 1
        wave = phase if random.random() < 0.5 else 1 - np.abs(2 * phase - 1)
        pitch = low * (high / low) ** wave
        out = np.sin(2 * np.pi * np.cumsum(pitch) / RATE) * (0.35 + 0.65 * np.sin(np.pi * phase) ** 2)
    elif kind == "music":
        out = synthesize("drums", seconds, random) * 0.7 + synthesize("tones", seconds, random) * 0.5
    elif kind == "noise":
        slow = np.interp(t, np.linspace(0, seconds, max(2, int(seconds * 2))), random.random(max(2, int(seconds * 2))))
        out = random.standard_normal(n) * slow**2
    return out
