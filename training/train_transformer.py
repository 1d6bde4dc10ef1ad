"""Trains transformer and connectors by flow matching, then tunes them for the distilled schedule:

python train_transformer.py [minutes] [minutes of tuning]
"""

import sys

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from checkpoint import NETWORKS, RUNS, load_network, save_network, weights_file
from clips import shard_folder
from examples import SCHEDULE, Clips, Noised, at_level, batches, draw_sigmas, noised_audio, noised_video
from loop import Figures, train
from networks.connectors import Thinning
from networks.transformer import Stream
from text import encode, load_tokenizer

# Rows of a context while training, and in use.
SHORT, FULL = 128, 1024
AUDIO_WEIGHT = 0.3
SELF_MADE_SHARE = 0.5


class Generator(nn.Module):
    """What is trained together, below a text encoder that stays as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = NETWORKS["transformer"]()
        self.connectors = NETWORKS["connectors"]()
        self._frozen = [load_network("gemma"), load_tokenizer()]

    def contexts(self, captions: list[str], length: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """→ video and audio context [B, length, H], and their bias."""
        gemma, tokenizer = self._frozen
        ids, mask = encode(tokenizer, captions, SHORT)
        with torch.no_grad():
            states = gemma(ids, mask)
        if length == SHORT:
            thinning = Thinning.random(mask, FULL // SHORT)
            return (*self.connectors(states, mask, thinning), thinning.bias)
        pad = length - SHORT
        states, mask = nn.functional.pad(states, (0, 0, pad, 0)), nn.functional.pad(mask, (pad, 0))
        return (*self.connectors(states, mask), None)

    def forward(self, video: Noised, audio: Noised, contexts: tuple[Tensor, Tensor, Tensor | None]) -> tuple[Tensor, Tensor]:
        """→ velocities of both streams."""
        of_video, of_audio, bias = contexts
        return self.transformer(
            Stream(video.tokens, _shared(video.timesteps), video.positions, of_video, bias),
            Stream(audio.tokens, _shared(audio.timesteps), audio.positions, of_audio, bias),
        )


def _shared(timesteps: Tensor) -> Tensor:
    """[B, 1] where no token differs from the first: much less to compute."""
    return timesteps[:, :1] if torch.equal(timesteps, timesteps[:, :1].expand_as(timesteps)) else timesteps


def _figures(network: Generator, clips: Clips, length: int, schedule_share: float, self_made: bool) -> Figures:
    sigmas = draw_sigmas(len(clips.video), schedule_share)
    video, audio = noised_video(clips, sigmas), noised_audio(clips, sigmas)
    with torch.autocast("cpu", torch.bfloat16):
        contexts = network.contexts(clips.captions, length)
        if self_made:
            _let_it_see_itself(network, video, audio, contexts, sigmas)
        velocities = network(video, audio, contexts)
    picture, sound = video.loss(velocities[0]), audio.loss(velocities[1])
    return {"loss": picture + AUDIO_WEIGHT * sound, "video": picture.detach(), "audio": sound.detach()}


def _let_it_see_itself(network: Generator, video: Noised, audio: Noised, contexts: tuple, sigmas: Tensor) -> None:
    """Puts the network's own estimate from one level higher in the place of the clean tokens, as happens in sampling."""
    higher = torch.stack([SCHEDULE[(SCHEDULE > sigma + 1e-4).nonzero()[-1, 0]] if sigma < 0.99 else sigma for sigma in sigmas])
    factor = (higher / sigmas)[:, None]
    before = [Noised(s.tokens, s.timesteps * factor, s.positions, s.clean, torch.randn_like(s.noise), s.weights) for s in (video, audio)]
    for stream in before:
        stream.tokens = stream.clean + stream.timesteps[..., None] * (stream.noise - stream.clean)
    with torch.no_grad():
        velocities = network(*before, contexts)
    chosen = (torch.rand(len(sigmas)) < SELF_MADE_SHARE) & (sigmas < 0.99)
    for stream, source, velocity in zip((video, audio), before, velocities):
        estimate = source.tokens - velocity.float() * source.timesteps[..., None]
        stream.tokens = torch.where(chosen[:, None, None], at_level(stream, estimate), stream.tokens)


def learn(network: Generator, clips: Clips) -> Figures:
    return _figures(network, clips, SHORT, schedule_share=0.7, self_made=False)


def tune(network: Generator, clips: Clips) -> Figures:
    return _figures(network, clips, FULL, schedule_share=1.0, self_made=True)


def main(minutes: float, tuning_minutes: float) -> None:
    torch.manual_seed(2)
    network = Generator()

    def save(trained: Generator) -> None:
        save_network("transformer", trained.transformer)
        save_network("connectors", trained.connectors)

    edges = ("patchify_proj", "proj_out", "timestep_embedder", "caption_projection.linear_1")
    common = {"edges": edges, "save": save}
    train("generator", network, batches(shard_folder("plain"), 3), learn, minutes=minutes, lr=1.2e-3, **common)
    if tuning_minutes > 0:
        if not (RUNS / "tuned.state.pt").exists():
            network.transformer.load_state_dict(load_file(weights_file("transformer")))
            network.connectors.load_state_dict(load_file(weights_file("connectors")))
        train("tuned", network, batches(shard_folder("plain"), 4), tune, minutes=tuning_minutes, lr=4e-4, **common)


if __name__ == "__main__":
    main(*(float(given) for given in [*sys.argv[1:], "50", "10"][:2]))
