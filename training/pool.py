"""The clips of a folder in the memory of the device, and batches of those that are about as long."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from clips import WORDINGS, Shard, load_shard
from device import DEVICE, ON_GPU, by_device
from networks.rope import token_positions
from partners import own
from text import encode, load_tokenizer

MOST_TOKENS = by_device(2600, 40_000)
# Reading a caption costs as much as a few dozen tokens.
MOST_CLIPS = by_device(32, 256)
# The clips of a batch are filled up to the longest; none is shorter than this share of it.
LEAST_FILLED = 0.75
# Half of the batches are of the first moments only: what a caption means is learned from many clips, how things move
# from long ones.
MOMENT_FRAMES = 3
# Tokens of a caption that are read.
CAPTION_TOKENS = 128
# What moves is a small part of a picture, and the hardest: the most that a token counts, where a still one counts 1.
MOST_LIVELY = 5
RELOAD_STEPS = 200


@dataclass
class Ragged:
    """Rows of different lengths, filled up to the longest."""

    values: Tensor  # [B, N, C]
    present: Tensor  # [B, N] bool
    is_full: bool  # nothing is filled up

    @property
    def padding(self) -> Tensor | None:
        """[B, 1, 1, N], for attention: −∞ where nothing is."""
        return None if self.is_full else torch.where(self.present, 0.0, float("-inf"))[:, None, None]


@dataclass
class Clips:
    """A batch as stored, with a caption each."""

    video: Ragged
    liveliness: Tensor  # [B, N]: how much each token's loss counts
    frame: Tensor  # [B, N]: of its latent; the first one holds the first picture
    positions: Tensor  # [B, 3, N, 2]
    last: Ragged | None  # the last frame as a picture of its own, unless clips go on
    last_positions: Tensor  # [B, 3, A, 2]
    audio: Ragged
    ids: Tensor  # [B, CAPTION_TOKENS], padded on the left
    mask: Tensor  # [B, CAPTION_TOKENS]
    longest_caption: int


class Rows:
    """Tensors [n, C] of different n, end to end."""

    def __init__(self) -> None:
        self._whole: Tensor | None = None
        self._starts = np.zeros(0, np.int64)

    def add(self, tensors: list[Tensor]) -> None:
        before = [] if self._whole is None else [self._whole]
        starts = np.cumsum([sum(map(len, before)), *map(len, tensors)])[:-1]
        self._starts = np.concatenate([self._starts, starts])
        self._whole = torch.cat([*before, torch.cat(tensors).to(DEVICE)])

    def take(self, rows: np.ndarray, counts: np.ndarray) -> Ragged:
        """The first so many of each."""
        at = torch.arange(int(counts.max()), device=DEVICE)[None]
        present = at < _to_device(counts)[:, None]
        index = torch.where(present, _to_device(self._starts[rows])[:, None] + at, 0)
        return Ragged(self._whole[index].float(), present, is_full=int(counts.min()) == int(counts.max()))


class Pool:
    """All clips of a folder, in the memory of the device."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: set[Path] = set()
        self._video, self._liveliness, self._last, self._audio = Rows(), Rows(), Rows(), Rows()
        self._frames, self._heights, self._widths = (np.zeros(0, np.int64) for _ in range(3))
        self._fps = np.zeros(0)
        # One of each wording for each clip.
        self._ids = torch.zeros(0, len(WORDINGS), CAPTION_TOKENS, dtype=torch.int16, device=DEVICE)
        self._lengths = np.zeros((0, len(WORDINGS)), np.int64)
        self._tokenizer = load_tokenizer()

    def refresh(self) -> None:
        """Takes up the shards that are new."""
        new = sorted(set(self._folder.glob("*.safetensors")) - self._known)
        self._known.update(new)
        shards = [load_shard(path) for path in new]
        if shards:
            self._add(shards)
        if not self._known:
            raise SystemExit(f"there are no clips in {self._folder}: run make_clips.py first")

    def _add(self, shards: list[Shard]) -> None:
        self._video.add([clip.flatten(0, 2) for shard in shards for clip in shard.video])
        self._liveliness.add([clip[:, None] for shard in shards for clip in liveliness(shard.video.float())])
        self._last.add([clip.flatten(0, 1) for shard in shards for clip in shard.last])
        self._audio.add([clip for shard in shards for clip in shard.audio])
        forms = np.concatenate([[shard.video.shape[1:4]] * len(shard.video) for shard in shards])
        self._frames = np.concatenate([self._frames, forms[:, 0]])
        self._heights = np.concatenate([self._heights, forms[:, 1]])
        self._widths = np.concatenate([self._widths, forms[:, 2]])
        self._fps = np.concatenate([self._fps, *([shard.fps] * len(shard.video) for shard in shards)])
        texts = [text for shard in shards for wordings in shard.captions for text in wordings]
        ids, mask = encode(self._tokenizer, texts, CAPTION_TOKENS)
        self._ids = torch.cat([self._ids, ids.short().unflatten(0, (-1, len(WORDINGS))).to(DEVICE)])
        self._lengths = np.concatenate([self._lengths, mask.sum(1).view(-1, len(WORDINGS)).numpy()])

    def batch(self, random: np.random.Generator) -> Clips:
        """Clips of about the same number of tokens, as many as there is room for."""
        moment = int(random.integers(1, MOMENT_FRAMES + 1)) if random.random() < 0.5 else int(self._frames.max())
        frames = np.minimum(self._frames, moment)
        tokens = frames * self._heights * self._widths
        most = tokens[random.integers(len(tokens))]
        alike = np.flatnonzero((tokens <= most) & (tokens >= LEAST_FILLED * most))
        fitting = min(len(alike), MOST_CLIPS, max(2, MOST_TOKENS // most))
        return self._clips(random.choice(alike, fitting, replace=False), frames, random)

    def _clips(self, rows: np.ndarray, frames_of_all: np.ndarray, random: np.random.Generator) -> Clips:
        frames, height, width, fps = frames_of_all[rows], self._heights[rows], self._widths[rows], self._fps[rows]
        area = height * width
        video = self._video.take(rows, frames * area)
        at = torch.arange(video.values.shape[1], device=DEVICE)[None]
        wide, high, rate = _to_device(width)[:, None], _to_device(height)[:, None], _to_device(fps).float()
        frame = at // (high * wide)
        last = self._last.take(rows, area) if (frames == self._frames[rows]).all() else None
        at_last = torch.arange(int(area.max()), device=DEVICE)[None]
        # A picture of its own lasts one frame.
        last_positions = token_positions(torch.zeros_like(at_last), at_last // wide, at_last % wide, rate)
        last_positions[:, 0] += _to_device((8 * frames - 8) / fps).float()[:, None, None]
        wording = random.integers(len(WORDINGS), size=len(rows))
        lengths = self._lengths[rows, wording]
        positions = torch.arange(CAPTION_TOKENS, device=DEVICE)
        return Clips(
            video,
            self._liveliness.take(rows, frames * area).values[..., 0],
            frame,
            token_positions(frame, at // wide % high, at % wide, rate),
            last,
            last_positions,
            self._audio.take(rows, np.maximum(1, np.round((8 * frames - 7) / fps * 25).astype(np.int64))),
            self._ids[_to_device(rows), _to_device(wording)].long(),
            (positions >= CAPTION_TOKENS - _to_device(lengths)[:, None]).long(),
            int(lengths.max()),
        )


def _to_device(values: np.ndarray) -> Tensor:
    """Without waiting for the device."""
    tensor = torch.from_numpy(values)
    return tensor.pin_memory().to(DEVICE, non_blocking=True) if ON_GPU else tensor


def batches(folder: Path, seed: int) -> Iterator[Clips]:
    """Without end. New shards are taken up as they appear."""
    random = np.random.default_rng(own(seed))
    pool = Pool(folder)
    while True:
        pool.refresh()
        for _ in range(RELOAD_STEPS):
            yield pool.batch(random)


def liveliness(video: Tensor) -> Tensor:
    """[B, F, h, w, C] → [B, N]: how much each token's loss counts, more where the picture differs from its own mean."""
    moving = video[:, 1:]  # the first latent is of one frame, the others of eight
    if moving.shape[1] < 2:
        return torch.ones(video.shape[:4]).flatten(1)
    change = (moving - moving.mean(1, keepdim=True)).square().mean((1, 4))  # [B, h, w]
    relative = change / change.mean((1, 2), keepdim=True).clamp(min=1e-3)
    return (1 + relative).clamp(max=MOST_LIVELY)[:, None].expand(video.shape[:4]).flatten(1)
