"""Trains the video autoencoder on close-up and distant cut-outs of the world:

python train_video_vae.py [minutes] [minutes for the decoder alone]

The decoder can go on learning once other networks depend on the latents.
"""

import math
from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

import configuration as c
from amounts import amounts
from checkpoint import RUNS, load_network, save_network, weights_file
from device import DEVICE, DRAWERS, ON_GPU, by_device
from linear_start import linear_start
from make_clips import RATES, RATE_SHARES
from loop import Figures, forget, train
from networks.video_vae import VideoVae
from partners import own
from world.camera import MOVES, camera_path
from world.canvas import Camera
from world.draw import draw
from world.recordings import Recordings, speech_pool
from world.scene import random_scene
from world.sound import analyse

# Frames and side of a cut-out, and how many of them make a batch of about the same cost.
FORMS = ((9, 128, by_device(3, 36)), (25, 96, by_device(3, 36)), (17, 128, by_device(2, 24)))
# Each drawing is seen a few times, between others: drawing costs more than reading.
RESERVOIR, SIGHTINGS = 400, by_device(3, 6)
# Relative to a channel's deviation: what the decoder must bear, since the transformer's latents are never exact.
LATENT_NOISE = 0.1


def cut_out(random: np.random.Generator, recordings: Recordings, frames: int, side: int) -> np.ndarray:
    """[T, side, side, 3] uint8: a window into a picture whose shorter side has 128 to 640 pixels."""
    fps = float(random.choice(RATES, p=RATE_SHARES))
    sound = analyse(recordings.any(frames / fps + 0.1, random), frames, fps)
    moving = camera_path(str(random.choice(MOVES)) if random.random() < 0.3 else "static", frames, fps, random)
    closeness = np.exp(random.uniform(np.log(128), np.log(640))) / side
    x, y = random.normal(0, 0.45), random.normal(0, 0.4)
    camera = Camera(moving.zoom * closeness, moving.x + x, moving.y + y)
    style = str(random.choice(("plain", "ink", "neon"), p=(0.82, 0.09, 0.09)))
    frames_drawn = draw(random_scene(random), sound, fps, side, side, camera, style)
    return (frames_drawn * 255).round().byte().numpy()


class CutOuts(IterableDataset):
    """Batches [B, 3, T, H, W] uint8, without end."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __iter__(self) -> Iterator[Tensor]:
        torch.set_num_threads(1)
        worker = get_worker_info()
        random = np.random.default_rng([self.seed, 0 if worker is None else worker.id])
        recordings = Recordings(speech_pool())
        reservoirs: list[list[np.ndarray]] = [[] for _ in FORMS]
        while True:
            for (frames, side, batch), kept in zip(FORMS, reservoirs):
                for _ in range(-(-batch // SIGHTINGS) if len(kept) >= batch else batch):
                    if len(kept) >= RESERVOIR:
                        kept.pop(int(random.integers(len(kept))))
                    kept.append(cut_out(random, recordings, frames, side))
                chosen = random.choice(len(kept), batch, replace=False)
                yield torch.from_numpy(np.stack([kept[i] for i in chosen])).permute(0, 4, 1, 2, 3)


def figures(network: nn.Module, batch: Tensor) -> Figures:
    video = _pixels(batch)
    # In float32: the constant channel leaves bf16 too few digits for the rest, and its gradients point elsewhere.
    with torch.set_grad_enabled(network.encoder.conv_in.conv.weight.requires_grad):
        latent = network.encoder(video)[0]
    deviation = latent.detach().std((0, 2, 3, 4), keepdim=True)
    decoded = network.decoder(latent + LATENT_NOISE * deviation * torch.randn_like(latent))
    difference = decoded - video
    squared = difference.square().mean()
    edges = difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean()
    loss = difference.abs().mean() + squared + 0.5 * edges + 3e-3 * latent.square().mean()
    return {"loss": loss, "psnr": 10 * torch.log10(4 / squared.detach()), "scale": latent.detach().std()}


def _pixels(batch: Tensor) -> Tensor:
    return batch.to(DEVICE, non_blocking=True).float() / 127.5 - 1


def measure(network: VideoVae, batches: Iterator[Tensor], count: int = 24) -> None:
    """The statistics that normalise the latents."""
    with torch.no_grad():
        latents = [network.encoder(_pixels(next(batches)))[0].transpose(0, 1).flatten(1) for _ in range(count)]
    values = torch.cat(latents, 1)
    network.per_channel_statistics.measure(values.mean(1), values.std(1))


def start(network: VideoVae, batches: Iterator[Tensor]) -> None:
    linear_start(network, [next(batches).float() / 127.5 - 1 for _ in range(20)])
    # The log-variance, which nothing reads here, is that of the noise.
    out = network.encoder.conv_out.conv
    out.weight.data[-1] = 0
    out.bias.data[-1] = 2 * math.log(LATENT_NOISE)


def main(minutes: float, decoder_minutes: float) -> None:
    torch.manual_seed(1)
    network = VideoVae(c.VAE)
    resumed = sum((RUNS / f"{name}.state.pt").exists() for name in ("video_vae", "video_decoder"))
    cut_outs = CutOuts(own(1 + resumed))
    batches = iter(DataLoader(cut_outs, batch_size=None, num_workers=DRAWERS, prefetch_factor=8, pin_memory=ON_GPU))
    edges = ("conv_in", "conv_out")
    if minutes > 0:
        if weights_file("video_vae").exists():
            network = load_network("video_vae", rounded=False)
        else:
            start(network, batches)
        network.to(DEVICE)
        if train("video_vae", network, batches, figures, minutes=minutes, lr=4e-4, edges=edges):
            measure(network, batches)
            save_network("video_vae", network)
            forget("video_decoder")
    if decoder_minutes > 0:
        network = load_network("video_vae", rounded=False)
        network.to(DEVICE).encoder.requires_grad_(False)
        save = partial(save_network, "video_vae")
        train("video_decoder", network, batches, figures, minutes=decoder_minutes, lr=5e-4, edges=edges, save=save)


if __name__ == "__main__":
    main(*amounts(40, 5))
