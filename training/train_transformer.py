"""Trains transformer and connectors by flow matching, then tunes them for the distilled schedule:

python train_transformer.py [minutes] [minutes of tuning]
"""

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from amounts import amounts
from checkpoint import NETWORKS, load_network, save_network, weights_file
from clips import shard_folder
from device import DEVICE, ON_GPU
from examples import Noised, advance, aim_at_clean, draw_sigmas, noised_audio, noised_video
from loop import Figures, forget, train
from networks.connectors import Thinning
from networks.transformer import Stream
from pool import CAPTION_TOKENS, Clips, batches

# Rows of a context in use; while training there are as many as there are tokens of a caption.
CONTEXT = 1024
AUDIO_WEIGHT = 0.3
# The schedule up to each of its levels; the steps between 1 and 0.909 are as good as one.
PATHS = ((1.0,), (1.0, 0.909375), (1.0, 0.909375, 0.725), (1.0, 0.909375, 0.725, 0.421875))


class Generator(nn.Module):
    """What is trained together, below a text encoder that stays as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = NETWORKS["transformer"]()
        self.connectors = NETWORKS["connectors"]()
        self._frozen = [load_network("gemma").to(DEVICE)]

    def contexts(self, clips: Clips) -> tuple[Tensor, Tensor, Tensor]:
        """→ video and audio context [B, CAPTION_TOKENS, H], and their bias [B, 1, 1, CAPTION_TOKENS]."""
        (gemma,) = self._frozen
        read = clips.longest_caption
        with torch.no_grad():
            states = gemma(clips.ids[:, -read:], clips.mask[:, -read:])
        states = F.pad(states, (0, 0, CAPTION_TOKENS - read, 0))
        thinning = Thinning.random(clips.mask, CONTEXT // CAPTION_TOKENS)
        return (*self.connectors(states, clips.mask, thinning), thinning.bias)

    def forward(self, video: Noised, audio: Noised, contexts: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """→ velocities of both streams."""
        of_video, of_audio, bias = contexts
        return self.transformer(
            Stream(video.tokens, video.timesteps, video.positions, of_video, bias, video.padding),
            Stream(audio.tokens, audio.timesteps, audio.positions, of_audio, bias, audio.padding),
        )


def learn(network: Generator, clips: Clips) -> Figures:
    """Flow matching: clips noised to any level, mostly those of the schedule."""
    sigmas = draw_sigmas(len(clips.ids), schedule_share=0.7)
    return _figures(network, noised_video(clips, sigmas), noised_audio(clips, sigmas), clips)


def tune(network: Generator, clips: Clips) -> Figures:
    """As `learn`, but in half of the steps with the sampler's own tokens: what it makes in its few steps is not what noised
    clips look like, and it must find back from there to what caption and sound ask for."""
    if torch.rand(()) < 0.5:
        return learn(network, clips)
    path = PATHS[int(torch.randint(len(PATHS), ()))]
    sigmas = torch.ones(len(clips.ids), device=DEVICE)
    video, audio = noised_video(clips, sigmas), noised_audio(clips, sigmas)
    with torch.no_grad(), torch.autocast(DEVICE.type, torch.bfloat16):
        contexts = network.contexts(clips)
        for sigma, following in zip(path, path[1:]):
            for stream, velocity in zip((video, audio), network(video, audio, contexts)):
                advance(stream, velocity.float(), sigma, following)
    for stream in (video, audio):
        aim_at_clean(stream)
    return _figures(network, video, audio, clips)


def _figures(network: Generator, video: Noised, audio: Noised, clips: Clips) -> Figures:
    with torch.autocast(DEVICE.type, torch.bfloat16):
        velocities = network(video, audio, network.contexts(clips))
    picture, sound = video.loss(velocities[0]), audio.loss(velocities[1])
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
    clips = shard_folder("plain")
    if train("generator", network, batches(clips, 3), learn, minutes=minutes, lr=3e-3, edges=edges, save=save):
        forget("tuned")
    if tuning_minutes > 0:
        train("tuned", network, batches(clips, 4), tune, minutes=tuning_minutes, lr=1.2e-3, edges=edges, save=save)


if __name__ == "__main__":
    main(*amounts(110, 5))
