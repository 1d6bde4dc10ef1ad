"""Trains the latent upsampler on clips that were drawn at both sizes: ./run train_upsampler [minutes]."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from trainers.amounts import amounts
from checkpoint import NETWORKS, load_network, weights_file
from clips.clips import load_shard, shard_folder
from device import DEVICE, by_device
from trainers.loop import Figures, train
from clips.make_clips import PLAIN, REFINED
from trainers.partners import own

CLIPS_PER_BATCH = by_device(4, 8)
MOST_TOKENS = by_device(2600, 32_000)
# The first stage's latents are not as clean as an encoder's.
LATENT_NOISE = 0.08

Pair = tuple[Tensor, Tensor]


def pairs(seed: int) -> Iterator[Pair]:
    """Latents at half and at full size, [B, C, F, h/2, w/2] and [B, C, F, h, w], normalized."""
    paths = [path for name in (PLAIN, REFINED) for path in sorted(shard_folder(name).glob("*.safetensors"))]
    shards = [load_shard(path) for path in paths]
    shards = [shard for shard in shards if shard.half is not None]
    if not shards:
        raise SystemExit("no clip is drawn at half the size too: make more of them first (`./run make_clips`)")
    random = np.random.default_rng(own(seed))
    while True:
        shard = shards[random.integers(len(shards))]
        count = max(1, min(CLIPS_PER_BATCH, MOST_TOKENS // shard.video[0, ..., 0].numel()))
        chosen = random.choice(len(shard.captions), count, replace=len(shard.captions) < count)
        yield tuple(stored[chosen].to(DEVICE).float().permute(0, 4, 1, 2, 3) for stored in (shard.half, shard.video))


def main(minutes: float) -> None:
    torch.manual_seed(3)
    statistics = load_network("video_vae").per_channel_statistics.to(DEVICE)

    def figures(network: nn.Module, pair: Pair) -> Figures:
        half, full = pair
        half = half + LATENT_NOISE * torch.randn_like(half)
        # Not in bf16: there the gradients of these convolutions are now and then not finite.
        squared = (statistics.normalize(network(statistics.denormalize(half))) - full).square().mean()
        return {"loss": squared, "explained": 1 - squared.detach() / full.var()}

    edges = ("initial_conv", "final_conv")
    known = weights_file("upsampler").exists()
    network = load_network("upsampler", rounded=False) if known else NETWORKS["upsampler"]()
    train("upsampler", network.to(DEVICE), pairs(5), figures, minutes=minutes, lr=1e-3, edges=edges)


if __name__ == "__main__":
    main(*amounts(5))
