"""Trains the video autoencoder on close-up and distant cut-outs of the world:

./run train_video_vae [minutes] [minutes for the decoder alone]

The decoder can go on learning once other networks depend on the latents: cut-outs are then encoded once and seen often,
since encoding one costs more than learning from it.
"""

import math
from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

import configuration as c
from trainers.amounts import amounts
from checkpoint import RUNS, load_network, save_network, weights_file
from device import DEVICE, DRAWERS, ON_GPU, by_device
from trainers.linear_start import linear_start
from clips.make_clips import RATES, RATE_SHARES
from trainers.loop import Figures, forget, train
from networks.video_vae import VideoEncoder, VideoVae, coarsen
from trainers.partners import own
from world.camera import MOVES, camera_path
from world.canvas import Camera
from world.draw import draw
from world.recordings import Recordings, speech_pool
from world.scene import random_scene
from world.sound import analyze

# Frames and side of a cut-out, and how many of them make a batch of about the same cost.
FORMS = ((9, 128, by_device(6, 36)), (25, 96, by_device(6, 36)), (17, 128, by_device(4, 24)))
# Each drawing is seen a few times, between others: drawing and encoding cost more than reading.
RESERVOIR, SIGHTINGS, ENCODED_SIGHTINGS = 400, by_device(3, 6), 12
# Relative to a channel's deviation: what the decoder must bear, since the transformer's latents are never exact.
LATENT_NOISE = 0.1
EDGES_WEIGHT = 1.0


def cut_out(random: np.random.Generator, recordings: Recordings, frames: int, side: int) -> np.ndarray:
    """[T, side, side, 3] uint8: a window into a picture whose shorter side has 128 to 900 pixels."""
    fps = float(random.choice(RATES, p=RATE_SHARES))
    sound = analyze(recordings.any(frames / fps + 0.1, random), frames, fps)
    moving = camera_path(str(random.choice(MOVES)) if random.random() < 0.3 else "static", frames, fps, random)
    closeness = np.exp(random.uniform(np.log(128), np.log(900))) / side
    x, y = random.normal(0, 0.45), random.normal(0, 0.4)
    camera = Camera(moving.zoom * closeness, moving.x + x, moving.y + y)
    style = str(random.choice(("plain", "ink", "neon"), p=(0.82, 0.09, 0.09)))
    frames_drawn = draw(random_scene(random), sound, fps, side, side, camera, style)
    return (frames_drawn * 255).round().byte().numpy()


class CutOuts(IterableDataset):
    """Batches [B, 3, T, H, W] uint8, without end; with an encoder, each with its latents [B, C, F, h, w], not normalized."""

    def __init__(self, seed: int, encoder: VideoEncoder | None = None) -> None:
        self.seed, self.encoder = seed, encoder
        self.sightings = SIGHTINGS if encoder is None else ENCODED_SIGHTINGS

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        torch.set_num_threads(1)
        worker = get_worker_info()
        random = np.random.default_rng([self.seed, 0 if worker is None else worker.id])
        recordings = Recordings(speech_pool())
        reservoirs: list[list[tuple[Tensor, ...]]] = [[] for _ in FORMS]
        while True:
            for (frames, side, batch), kept in zip(FORMS, reservoirs):
                for _ in range(-(-batch // self.sightings) if len(kept) >= batch else batch):
                    if len(kept) >= RESERVOIR:
                        kept.pop(int(random.integers(len(kept))))
                    kept.append(self._seen(cut_out(random, recordings, frames, side)))
                chosen = random.choice(len(kept), batch, replace=False)
                yield tuple(torch.stack(parts) for parts in zip(*(kept[i] for i in chosen)))

    @torch.no_grad()
    def _seen(self, drawn: np.ndarray) -> tuple[Tensor, ...]:
        video = torch.from_numpy(drawn).permute(3, 0, 1, 2)
        return (video,) if self.encoder is None else (video, self.encoder(_pixels(video[None]))[0][0])


def figures(network: nn.Module, batch: tuple[Tensor]) -> Figures:
    # In float32: the constant channel leaves bf16 too few digits for the rest, and its gradients point elsewhere.
    video = _pixels(batch[0])
    latent = network.encoder(video)[0]
    shown = compared(network.decoder, latent, latent.detach().std((0, 2, 3, 4), keepdim=True), video)
    return {**shown, "loss": shown["loss"] + 3e-3 * latent.square().mean(), "scale": latent.detach().std()}


def decoder_figures(network: nn.Module, batch: tuple[Tensor, Tensor]) -> Figures:
    video, latent = batch
    deviation = network.per_channel_statistics.get_buffer("std-of-means").view(-1, 1, 1, 1)
    return compared(network.decoder, latent.to(DEVICE), deviation, _pixels(video))


def compared(decoder: nn.Module, latent: Tensor, deviation: Tensor, video: Tensor) -> Figures:
    """The decoded against the video: as it is, and by its edges."""
    difference = decoder(latent + LATENT_NOISE * deviation * torch.randn_like(latent)) - video
    squared = difference.square().mean()
    edges = difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean()
    loss = difference.abs().mean() + squared + EDGES_WEIGHT * edges
    return {"loss": loss, "psnr": 10 * torch.log10(4 / squared.detach()), "edges": edges.detach()}


def _pixels(batch: Tensor) -> Tensor:
    return batch.to(DEVICE, non_blocking=True).float() / 127.5 - 1


def measure(network: VideoVae, batches: Iterator[Tensor], count: int = 24) -> None:
    """The statistics that normalize the latents."""
    with torch.no_grad():
        latents = [network.encoder(_pixels(next(batches)[0]))[0].transpose(0, 1).flatten(1) for _ in range(count)]
    values = torch.cat(latents, 1)
    network.per_channel_statistics.measure(values.mean(1), values.std(1))


def start(network: VideoVae, batches: Iterator[Tensor]) -> None:
    linear_start(network, [next(batches)[0].float() / 127.5 - 1 for _ in range(20)])
    # The log-variance, which nothing reads here, is that of the noise.
    out = network.encoder.conv_out.conv
    out.weight.data[-1] = 0
    out.bias.data[-1] = 2 * math.log(LATENT_NOISE)


def batches_of(cut_outs: CutOuts) -> Iterator:
    return iter(DataLoader(cut_outs, batch_size=None, num_workers=DRAWERS, prefetch_factor=8, pin_memory=ON_GPU))


def main(minutes: float, decoder_minutes: float) -> None:
    torch.manual_seed(1)
    resumed = sum((RUNS / f"{name}.state.pt").exists() for name in ("video_vae", "video_decoder"))
    edges = ("conv_in", "conv_out")
    if minutes > 0:
        batches = batches_of(CutOuts(own(1 + resumed)))
        if weights_file("video_vae").exists():
            network = load_network("video_vae", rounded=False)
        else:
            network = VideoVae(c.VAE)
            start(network, batches)
        network.to(DEVICE)
        if train("video_vae", network, batches, figures, minutes=minutes, lr=4e-4, edges=edges):
            measure(network, batches)
            save_network("video_vae", network)
            forget("video_decoder")
    if decoder_minutes > 0:
        network = load_network("video_vae", rounded=False)
        network.encoder.requires_grad_(False)
        # As it will be in the file.
        batches = batches_of(CutOuts(own(11 + resumed), load_network("video_vae").encoder))
        if not ON_GPU:
            coarsen(network.decoder)
        network.to(DEVICE)
        save = partial(save_network, "video_vae")
        # Small batches point less surely.
        lr = 5e-4 if ON_GPU else 2e-4
        train("video_decoder", network, batches, decoder_figures, minutes=decoder_minutes, lr=lr, edges=edges, save=save)


if __name__ == "__main__":
    main(*amounts(40, 5))
