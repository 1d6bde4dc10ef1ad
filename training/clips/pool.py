"""The clips of a folder in the memory of the device, and batches of those that are about as long."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clips.clips import WORDINGS, Shard, audio_counts, load_shard
from device import DEVICE, ON_GPU, by_device
from networks.rope import token_positions
from trainers.partners import own
from text.text import encode, load_tokenizer

MOST_TOKENS = by_device(2600, 32_000)
# Reading a caption costs as much as a few dozen tokens.
MOST_CLIPS = by_device(32, 256)
# The clips of a batch are filled up to the longest; none is shorter than this share of it.
LEAST_FILLED = 0.7
# What batches on a GPU are filled up to: each shape of batch is recorded (recorded.py), so there must not be many.
VIDEO_WIDTHS = [8 * round(2 * 2 ** (step / 2)) for step in range(18)]
AUDIO_WIDTHS = [64, 256, 2048]
# Half of the batches are of the first moments only: what a caption means is learned from many clips, how things move
# from long ones.
MOMENT_FRAMES = 3
# Of the clips that are not cut off, so many have their last frame as a picture of its own.
LAST_SHARE = 0.35
# Tokens of a caption that are read.
CAPTION_TOKENS = 128
# What moves is a small part of a picture, and the hardest: the most that a token counts, where a still one counts 1.
MOST_LIVELY = 5
RELOAD_STEPS = 200


@dataclass
class Ragged:
    """Rows of different lengths, filled up to the same width."""

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

    video: Ragged  # the frames' tokens, then for some clips those of the last frame as a picture of its own
    liveliness: Tensor  # [B, N]: how much each token's loss counts
    is_first: Tensor  # [B, N] bool: the first frame
    is_last: Tensor  # [B, N] bool: the last frame as a picture of its own
    positions: Tensor  # [B, 3, N, 2]
    audio: Ragged
    ids: Tensor  # [B, CAPTION_TOKENS], padded on the left
    mask: Tensor  # [B, CAPTION_TOKENS]
    sizes: np.ndarray  # [B, 3]: latent frames, height and width, a last frame of its own aside


@dataclass
class Choice:
    """Clips for a batch, and how much of them."""

    rows: np.ndarray  # [B]
    frames: np.ndarray  # [B]
    with_last: np.ndarray  # [B] bool

    def without_last(self) -> "Choice":
        return replace(self, with_last=np.zeros_like(self.with_last))


class Rows:
    """Tensors [n, C] of different n, end to end."""

    def __init__(self) -> None:
        self._whole: Tensor | None = None
        self._starts = np.zeros(0, np.int64)

    def add(self, tensors: list[Tensor]) -> None:
        """Several of the same length each, [clips, n, C]."""
        ends = np.cumsum([0 if self._whole is None else len(self._whole)] + [t.shape[1] for t in tensors for _ in t])
        self._starts = np.concatenate([self._starts, ends[:-1]])
        new = torch.cat([tensor.flatten(0, 1) for tensor in tensors]).to(DEVICE)
        self._whole = new if self._whole is None else torch.cat([self._whole, new])

    def take(self, rows: np.ndarray, counts: np.ndarray, width: int) -> Ragged:
        """The first so many of each."""
        at = torch.arange(width, device=DEVICE)[None]
        present = at < _to_device(counts)[:, None]
        index = torch.where(present, _to_device(self._starts[rows])[:, None] + at, 0)
        return Ragged(self._whole[index].float(), present, is_full=not ON_GPU and int(counts.min()) == width)


class Pool:
    """All clips of a folder, in the memory of the device; `halved`: as they were drawn at half the size."""

    def __init__(self, folder: Path, *, halved: bool = False) -> None:
        self._folder, self._halved = folder, halved
        self._known: set[Path] = set()
        self._video, self._liveliness, self._audio = Rows(), Rows(), Rows()
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
        if new:
            shards = [load_shard(path) for path in new]
            self._add([_halved(shard) for shard in shards] if self._halved else shards)
        if not self._known:
            raise SystemExit(f"there are no clips in {self._folder}: run make_clips first")

    def _add(self, shards: list[Shard]) -> None:
        self._video.add([torch.cat([shard.video.flatten(1, 3), shard.last.flatten(1, 2)], 1) for shard in shards])
        # The last frame as a picture of its own is given, not answered.
        weights = [F.pad(liveliness(shard.video.float()), (0, shard.last[0, ..., 0].numel())) for shard in shards]
        self._liveliness.add([of_shard[..., None] for of_shard in weights])
        self._audio.add([shard.audio for shard in shards])
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
        return self.clips(self.choose(random), random)

    def choose(self, random: np.random.Generator) -> Choice:
        moment = int(random.integers(1, MOMENT_FRAMES + 1)) if random.random() < 0.5 else int(self._frames.max())
        frames = np.minimum(self._frames, moment)
        with_last = (frames == self._frames) & (random.random(len(frames)) < LAST_SHARE)
        tokens = (frames + with_last) * self._heights * self._widths
        sounds = audio_counts(frames, self._fps)
        one = random.integers(len(tokens))
        width, audio_width = _width(tokens[one], VIDEO_WIDTHS), _width(sounds[one], AUDIO_WIDTHS)
        fits = (tokens <= width) & (tokens >= min(LEAST_FILLED * width, tokens[one]))
        alike = np.flatnonzero(fits & (sounds <= audio_width) if ON_GPU else fits)
        room = min(MOST_CLIPS, max(1, MOST_TOKENS // width))
        rows = random.choice(alike, room, replace=len(alike) < room)
        return Choice(rows, frames[rows], with_last[rows])

    def clips(self, choice: Choice, random: np.random.Generator) -> Clips:
        rows, frames, with_last = choice.rows, choice.frames, choice.with_last
        area, fps = self._heights[rows] * self._widths[rows], _to_device(self._fps[rows]).float()
        counts, sounds = (frames + with_last) * area, audio_counts(frames, self._fps[rows])
        width, audio_width = _width(counts.max(), VIDEO_WIDTHS), _width(sounds.max(), AUDIO_WIDTHS)
        wide, high, whole = (_to_device(n)[:, None] for n in (self._widths[rows], self._heights[rows], self._frames[rows]))
        at = torch.arange(width, device=DEVICE)[None]
        frame = at // (high * wide)
        is_last = frame == whole
        positions = token_positions(frame, at // wide % high, at % wide, fps)
        # A picture of its own has the time of one frame, the last of eight in its latent.
        start = ((8 * whole - 8) / fps[:, None])[..., None]  # [B, 1, 1]
        alone = torch.cat([start, start + 1 / fps[:, None, None]], 2)  # [B, 1, 2]
        positions[:, 0] = torch.where(is_last[..., None], alone, positions[:, 0])
        wording = random.integers(len(WORDINGS), size=len(rows))
        read = CAPTION_TOKENS - _to_device(self._lengths[rows, wording])[:, None]
        return Clips(
            self._video.take(rows, counts, width),
            self._liveliness.take(rows, counts, width).values[..., 0],
            frame == 0,
            is_last,
            positions,
            self._audio.take(rows, sounds, audio_width),
            self._ids[_to_device(rows), _to_device(wording)].long(),
            (torch.arange(CAPTION_TOKENS, device=DEVICE) >= read).long(),
            np.stack([frames, self._heights[rows], self._widths[rows]], 1),
        )


def _width(count: int, widths: list[int]) -> int:
    """The least of the widths that this fits into; on a CPU, where any will do, the number itself."""
    return next(width for width in widths if width >= count) if ON_GPU else int(count)


def _to_device(values: np.ndarray) -> Tensor:
    """Without waiting for the device."""
    tensor = torch.from_numpy(values)
    return tensor.pin_memory().to(DEVICE, non_blocking=True) if ON_GPU else tensor


def clips_of(folder: Path, seed: int) -> Iterator[Clips]:
    """Batches without end. New shards are taken up as they appear."""
    random = np.random.default_rng(own(seed))
    pool = Pool(folder)
    while True:
        pool.refresh()
        for _ in range(RELOAD_STEPS):
            yield pool.batch(random)


def pairs_of(folder: Path, seed: int) -> Iterator[tuple[Clips, Clips]]:
    """Batches at half and at full size, of the clips that were there at the beginning and are drawn at both."""
    random = np.random.default_rng(own(seed))
    half, whole = Pool(folder, halved=True), Pool(folder)
    half.refresh()
    whole.refresh()
    while True:
        choice = whole.choose(random)
        yield half.clips(choice.without_last(), random), whole.clips(choice, random)


def _halved(shard: Shard) -> Shard:
    if shard.half is None:
        raise SystemExit("clips are to be refined that were not drawn at half the size too")
    return replace(shard, video=shard.half, last=torch.zeros_like(shard.half[:, 0]))


def liveliness(video: Tensor) -> Tensor:
    """[B, F, h, w, C] → [B, N]: how much each token's loss counts, more where the picture differs from its own mean."""
    moving = video[:, 1:]  # the first latent is of one frame, the others of eight
    if moving.shape[1] < 2:
        return torch.ones(video.shape[:4]).flatten(1)
    change = (moving - moving.mean(1, keepdim=True)).square().mean((1, 4))  # [B, h, w]
    relative = change / change.mean((1, 2), keepdim=True).clamp(min=1e-3)
    return (1 + relative).clamp(max=MOST_LIVELY)[:, None].expand(video.shape[:4]).flatten(1)
