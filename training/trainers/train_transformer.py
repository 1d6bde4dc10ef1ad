"""Trains transformer and connectors by flow matching, then tunes them for their schedules, the refinement's too:

./run train_transformer [minutes] [minutes of tuning]
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from trainers.amounts import amounts
from checkpoint import NETWORKS, load_network, save_network, weights_file
from clips.clips import shard_folder
from configuration import STAGE_1_SIGMAS
from device import DEVICE, ON_GPU
from trainers.examples import Example, advanced, aimed_at_clean, draw_sigmas, example, refinement
from trainers.loop import Figures, forget, train
from clips.make_clips import PLAIN, REFINED, STILLS
from networks.connectors import Thinning
from networks.transformer import Stream
from clips.pool import CAPTION_TOKENS, Clips, clips_of, pairs_of

# Rows of a context in use; while training there are as many as there are tokens of a caption.
CONTEXT = 1024
AUDIO_WEIGHT = 0.1
# The first stage's schedule up to each of its levels.
PATHS = [STAGE_1_SIGMAS[:end] for end in range(1, len(STAGE_1_SIGMAS))]
# How often a step of tuning is of the second stage's clips, and how often one of those is made in one stage.
REFINED_SHARE, ONE_STAGE_SHARE = 0.5, 0.2
# Of the other steps, those of pictures alone.
STILLS_SHARE = 0.35


class Generator(nn.Module):
    """What is trained together, below a text encoder that stays as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = NETWORKS["transformer"]()
        self.connectors = NETWORKS["connectors"]()
        self._frozen = [load_network("gemma").to(DEVICE)]

    def contexts(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """→ video and audio context [B, CAPTION_TOKENS, H], and their bias [B, 1, 1, CAPTION_TOKENS]."""
        (gemma,) = self._frozen
        # On a GPU all are read as if they were long: what is recorded must not depend on them.
        read = CAPTION_TOKENS if ON_GPU else int(mask.sum(1).max())
        with torch.no_grad():
            states = F.pad(gemma(ids[:, -read:], mask[:, -read:]), (0, 0, CAPTION_TOKENS - read, 0))
        thinning = Thinning.random(mask, CONTEXT // CAPTION_TOKENS)
        return (*self.connectors(states, mask, thinning), thinning.bias)

    def forward(self, shown: Example) -> tuple[Tensor, Tensor]:
        """→ velocities of both streams."""
        *contexts, bias = self.contexts(shown.ids, shown.mask)
        return self.transformer(
            *(
                Stream(noised.tokens, noised.sigmas, noised.positions, context, bias, noised.levels, noised.padding)
                for noised, context in zip((shown.video, shown.audio), contexts)
            )
        )


def to_learn(batches: Iterator[Clips]) -> Iterator[Example]:
    """Flow matching: clips noised to any level, mostly those of the schedule."""
    for clips in batches:
        yield example(clips, draw_sigmas(len(clips.ids), schedule_share=0.7))


def to_tune(network: Generator, batches: Iterator[Clips]) -> Iterator[Example]:
    """The same, but half of them with the sampler's own tokens: what it makes in its few steps is not what noised clips
    look like, and it must find back from there to what caption and sound ask for."""
    for clips in batches:
        if torch.rand(()) < 0.5:
            yield from to_learn(iter([clips]))
            continue
        path = PATHS[int(torch.randint(len(PATHS), ()))]
        shown = example(clips, torch.ones(len(clips.ids), device=DEVICE))
        with torch.no_grad(), torch.autocast(DEVICE.type, torch.bfloat16):
            for sigma, following in zip(path, path[1:]):
                of_video, of_audio = network(shown)
                shown = shown._replace(
                    video=advanced(shown.video, of_video.float(), sigma, following),
                    audio=advanced(shown.audio, of_audio.float(), sigma, following),
                )
        yield shown._replace(video=aimed_at_clean(shown.video), audio=aimed_at_clean(shown.audio))


def to_refine(network: Generator, pairs: Iterator[tuple[Clips, Clips]]) -> Iterator[Example]:
    """What the first stage's last step and the upsampler make of clips at half the size, to become those at full size."""
    upsampler = load_network("upsampler").to(DEVICE)
    statistics = load_network("video_vae").per_channel_statistics.to(DEVICE)
    for half, whole in pairs:
        if torch.rand(()) < ONE_STAGE_SHARE:
            yield from to_learn(iter([whole]))
            continue
        sigma = STAGE_1_SIGMAS[-2]
        shown = example(half, torch.full((len(half.ids),), sigma, device=DEVICE))
        begun = whole.video.values.clone()
        with torch.no_grad():
            with torch.autocast(DEVICE.type, torch.bfloat16):
                velocity, _ = network(shown)
            made = advanced(shown.video, velocity.float(), sigma, 0).tokens
            for row, (frames, height, width) in enumerate(half.sizes):
                latent = made[row, : frames * height * width].unflatten(0, (frames, height, width))
                enlarged = upsampler(statistics.denormalize(latent.permute(3, 0, 1, 2)[None]))
                tokens = statistics.normalize(enlarged)[0].permute(1, 2, 3, 0).flatten(0, 2)
                begun[row, : len(tokens)] = tokens
        yield refinement(whole, begun)


def alternated(share: float, first: Iterator[Example], second: Iterator[Example]) -> Iterator[Example]:
    """The first so often, else the second."""
    while True:
        yield next(first if torch.rand(()) < share else second)


def figures(network: Generator, shown: Example) -> Figures:
    with torch.autocast(DEVICE.type, torch.bfloat16):
        velocities = network(shown)
    picture, sound = shown.video.loss(velocities[0]), shown.audio.loss(velocities[1])
    return {"loss": picture + AUDIO_WEIGHT * sound, "video": picture.detach(), "audio": sound.detach()}


def main(minutes: float, tuning_minutes: float) -> None:
    torch.manual_seed(2)
    network = Generator()
    if weights_file("transformer").exists():
        network.transformer.load_state_dict(load_file(weights_file("transformer")))
        network.connectors.load_state_dict(load_file(weights_file("connectors")))
    network.to(DEVICE)

    def save(trained: Generator) -> None:
        save_network("transformer", trained.transformer)
        save_network("connectors", trained.connectors)

    edges = ("patchify_proj", "proj_out", "timestep_embedder", "caption_projection.linear_1")
    learned, tuned = (clips_of(shard_folder(PLAIN), seed) for seed in (3, 4))
    if train("generator", network, to_learn(learned), figures, minutes=minutes, lr=3e-3, edges=edges, save=save):
        forget("tuned")
    if tuning_minutes > 0:
        refined = to_refine(network, pairs_of(shard_folder(REFINED), 5))
        stills = to_tune(network, clips_of(shard_folder(STILLS), 6))
        shown = alternated(REFINED_SHARE, refined, alternated(STILLS_SHARE, stills, to_tune(network, tuned)))
        train("tuned", network, shown, figures, minutes=tuning_minutes, lr=1.2e-3 if ON_GPU else 7e-4, edges=edges, save=save)


if __name__ == "__main__":
    main(*amounts(110, 5))
