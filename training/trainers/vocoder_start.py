"""Weights for the vocoder to begin with: an organ of the 80 harmonics of 100 Hz, whose loudness follows the mel.

From a steady mel the network can only make what repeats with every frame, so these harmonics are all it can aim at; from
random weights it is long in finding them, and leaves single tones silent until then. Here the first layer holds each
band above a threshold; the first upsampling turns bands into harmonics, as the cosine coefficients of 40 samples, and
fades from frame to frame; the second turns those into samples, and the rest hands them on. Constants added before each
bend of leaky_relu keep it straight. It wants the sizes of configuration.VOCODER.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from networks.vocoder import ResBlock, Vocoder

PERIOD, HARMONICS = 240, 80
# Samples for which the first upsampling has one position, coefficients for them, and samples for one of the second's.
BLOCK, COEFFICIENTS, PIECE = 40, 31, 8
# Log-mel below which a band counts little.
THRESHOLD = -5.5
# What samples and coefficients are multiplied with inside, and the constants added: enough for all but the loudest sounds.
# Larger constants would make the sound hang on an exact cancellation, which training destroys.
SCALE, SHIFT = 4.0, 0.7


def bands(mel: Tensor) -> Tensor:
    """What the first layer holds."""
    return F.leaky_relu(mel - THRESHOLD, 0.1)


def harmonics_of(waveform: Tensor) -> Tensor:
    """[n, samples] at 24 kHz → amplitudes [n, frames, 80]: of bands 100 Hz wide, over 20 ms around each frame's beginning."""
    shape = torch.hann_window(2 * PERIOD)
    found = torch.stft(waveform, 2 * PERIOD, PERIOD, window=shape, center=True, return_complex=True).abs().square()
    # Lines lie 50 Hz apart; half of each neighbor belongs to a harmonic.
    power = found[:, 2:-1:2] + 0.5 * (found[:, 1:-2:2] + found[:, 3::2])
    return (4 / (2 * PERIOD * shape.square().sum()) * power[:, :HARMONICS]).sqrt().transpose(1, 2)


def harmonics_by_bands(mels: Tensor, waveforms: Tensor) -> Tensor:
    """[64, 80]: the best linear map from bands to amplitudes, over mels [n, T, 64] and waveforms [n, 240 T]."""
    wanted = harmonics_of(waveforms)[:, : mels.shape[1]].flatten(0, 1)
    known = bands(mels).flatten(0, 1)
    return torch.linalg.solve(known.T @ known + 1e-2 * len(known) * torch.eye(known.shape[1]), known.T @ wanted)


def cosines() -> Tensor:
    """[31, 40], orthonormal."""
    n = torch.arange(BLOCK)
    rows = torch.stack([torch.cos(math.pi * k * (n + 0.5) / BLOCK) for k in range(COEFFICIENTS)])
    return rows / rows.square().sum(1, keepdim=True).sqrt()


def organ() -> Tensor:
    """[80, 6, 31]: each harmonic's coefficients at the six positions of a period; phases at random, against peaks."""
    at = torch.arange(PERIOD) / PERIOD
    phases = torch.rand(HARMONICS, generator=torch.Generator().manual_seed(3))
    waves = torch.cos(2 * math.pi * (torch.arange(1, HARMONICS + 1)[:, None] * at + phases[:, None]))
    return waves.unflatten(1, (-1, BLOCK)) @ cosines().T


@torch.no_grad()
def start(network: Vocoder, mels: Tensor, waveforms: Tensor) -> None:
    """mels [n, T, 64] and waveforms [n, 240 T]: examples."""
    first, (to_blocks, to_pieces, to_samples), last = network.conv_pre, network.ups, network.conv_post
    for layer in (first, *network.ups, last):
        layer.weight *= 0.01
        layer.bias.zero_()
    for module in network.modules():
        if isinstance(module, ResBlock):
            for conv in module.convs2:
                conv.weight.zero_()
                conv.bias.zero_()
    first.weight[:, :, 3] += torch.eye(len(first.bias))
    first.bias.fill_(-THRESHOLD)
    to_coefficients = SCALE * torch.einsum("bh,hpc->bpc", harmonics_by_bands(mels, waveforms), organ())
    basis = cosines()
    # The last coefficient is a constant that takes the shift of the others away.
    pieces = torch.cat([basis, -basis.sum(0, keepdim=True)]).unflatten(1, (-1, PIECE))
    pieces = pieces.transpose(1, 2)  # [32, 8 samples, 5 positions]
    for side in range(2):
        into, out = slice(64 * side, 64 * side + 64), slice(32 * side, 32 * side + COEFFICIENTS)
        for tap in range(11):
            to_blocks.weight[into, out, tap] += (1 - abs(tap - 4.5) / 6) * to_coefficients[:, (tap - 5) % 6]
        to_blocks.bias[32 * side : 32 * side + 32] = SHIFT
        samples = slice(PIECE * side, PIECE * side + PIECE)
        to_pieces.weight[32 * side : 32 * side + 32, samples, 5:10] += pieces
        to_pieces.bias[samples] = SHIFT
        for sample in range(PIECE):
            to_samples.weight[PIECE * side + sample, side, 4 + sample] += 1
        last.weight[side, side, 3] += 1 / SCALE
        last.bias[side] = -SHIFT / SCALE
    # What nothing reads yet must not be nothing.
    to_pieces.weight[:, 2 * PIECE :] *= 100
    to_samples.weight[:, 2:] *= 100
