"""Trains the audio autoencoder on the log-mels of the world's sounds: ./run train_audio_vae [minutes]."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

import configuration as c
from trainers.amounts import amounts
from checkpoint import RUNS, load_network, save_network
from trainers.loop import Figures, train
from networks.audio_vae import AudioVae, ResBlock, to_tokens
from networks.mel import log_mel
from clips.sound_clips import SoundClips

# 4k + 1 mel frames, which the decoder gives back exactly.
SECONDS, BATCH = 1.28, 4
# Relative to a latent's deviation: what the decoder must bear, since the transformer's latents are never exact.
LATENT_NOISE = 0.1
# Of the log-mels, roughly.
MEAN, DEVIATION = -5.5, 1.8
CONSTANT = 3.0


def mels(seed: int) -> Iterator[Tensor]:
    return map(log_mel, SoundClips(SECONDS, BATCH, seed))


def start(network: AudioVae) -> None:
    """Input and output centered, and one constant channel throughout, beside which the norms leave loudness visible."""
    with torch.no_grad():
        first = network.encoder.conv_in.conv
        first.weight /= DEVIATION
        first.bias.copy_(-MEAN * first.weight.sum((1, 2, 3)))
        network.decoder.conv_out.conv.bias.fill_(MEAN)
        levels = [*network.encoder.down, *network.decoder.up]
        makers = [first, network.decoder.conv_in.conv]
        makers += [level.downsample.conv for level in levels if hasattr(level, "downsample")]
        makers += [level.upsample.conv.conv for level in levels if hasattr(level, "upsample")]
        for module in network.modules():
            if isinstance(module, ResBlock):
                module.conv2.conv.weight *= 0.1
                module.conv2.conv.bias.zero_()
                makers += [module.nin_shortcut.conv] if hasattr(module, "nin_shortcut") else []
        for conv in makers:
            conv.weight[0], conv.bias[0] = 0, CONSTANT
        # The log-variance, which nothing reads here, is that of the noise.
        out, count = network.encoder.conv_out.conv, network.encoder.z_channels
        out.weight[count:], out.bias[count:] = 0, 2 * math.log(LATENT_NOISE)


def figures(network: nn.Module, mel: Tensor) -> Figures:
    with torch.autocast("cpu", torch.bfloat16):
        latent = network.encoder(mel)[0]
        deviation = latent.detach().float().std((0, 2), keepdim=True)
        decoded = network.decoder(latent + LATENT_NOISE * deviation * torch.randn_like(latent))
    difference, latent = (decoded.float() - mel).abs().mean(), latent.float()
    loss = difference + 3e-3 * latent.square().mean()
    return {"loss": loss, "nats": difference.detach(), "scale": latent.detach().std()}


def measure(network: AudioVae, batches: Iterator[Tensor], count: int = 150) -> None:
    """The statistics that normalize the latents: of every column of the tokens, by the weights as they will be stored."""
    stored = load_network("audio_vae")
    with torch.no_grad():
        values = torch.cat([to_tokens(stored.encoder(next(batches))[0]).flatten(0, 1) for _ in range(count)])
    network.per_channel_statistics.measure(values.mean(0), values.std(0))


def main(minutes: float) -> None:
    torch.manual_seed(1)
    torch.set_num_threads(1)
    network = AudioVae(c.AUDIO_VAE)
    resumed = (RUNS / "audio_vae.state.pt").exists()
    batches = mels(seed=1 + resumed)
    if not resumed:
        start(network)
    if train("audio_vae", network, batches, figures, minutes=minutes, lr=4e-3, edges=("conv_in", "conv_out")):
        measure(network, batches)
        save_network("audio_vae", network)


if __name__ == "__main__":
    main(*amounts(7))
