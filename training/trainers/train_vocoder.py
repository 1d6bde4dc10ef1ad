"""Trains the vocoder on spectra alone, without an adversary: ./run train_vocoder [minutes].

Half of what it hears are the log-mels of sounds, half are what the audio autoencoder makes of them.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import configuration as c
from trainers.amounts import amounts
from checkpoint import RUNS, load_network, weights_file
from trainers.loop import Figures, train
from networks.mel import log_mel, mel_filters
from networks.vocoder import Vocoder
from clips.sound_clips import SoundClips
from trainers.train_audio_vae import LATENT_NOISE
from trainers.vocoder_start import start

# 4k + 1 mel frames, and some more sound on both sides, so that resampling sees no edges.
FRAMES, BATCH, MARGIN = 65, 4, 6
# Windows and hops at 24 kHz: that of the mel, and short ones. The network makes harmonics of 100 Hz (vocoder_start.py). By a
# long window's spectrum, another pitch is then best approximated by silence; by a short one's, by its neighbors.
MEL_WINDOW = (1536, 240)
RESOLUTIONS = ((512, 128), (120, 40))
# Amplitudes below are as good as silent: −70 dBFS in one bin of a spectrum, −60 dBFS in all.
SILENT, QUIET = 3e-4, 1e-3


def to_24_khz(waveform: Tensor) -> Tensor:
    """[..., 2n] at 16 kHz → [..., 3n]; the ends are taken for neighbors."""
    length = waveform.shape[-1] * 3 // 2
    return torch.fft.irfft(F.pad(torch.fft.rfft(waveform), (0, length // 2 - waveform.shape[-1] // 2)), length) * 1.5


def batches(seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Log-mel [B, 2, T, 64] and the waveform at 24 kHz [B, 2, 240 T]."""
    autoencoder = load_network("audio_vae")
    for index, sound in enumerate(SoundClips((FRAMES + 2 * MARGIN) / 100, BATCH, seed)):
        mel = log_mel(sound)[:, :, MARGIN : MARGIN + FRAMES]
        if index % 2:
            with torch.no_grad():
                tokens = autoencoder.encode(mel)
                mel = autoencoder.decode(tokens + LATENT_NOISE * torch.randn_like(tokens))
        yield mel, to_24_khz(sound)[:, :, 240 * MARGIN : 240 * (MARGIN + FRAMES)]


def spectrum(waveform: Tensor, window: int, hop: int) -> Tensor:
    """Magnitudes, 1 for a sine of full scale: [B, window / 2 + 1, frames]."""
    shape = torch.hann_window(window)
    found = torch.stft(waveform.flatten(0, 1), window, hop, window=shape, center=True, return_complex=True)
    return (found.real.square() + found.imag.square() + 1e-12).sqrt() * 2 / shape.sum()


def log_mel_of(magnitudes: Tensor) -> Tensor:
    """What networks/mel.py finds at 16 kHz, from the spectrum in the same window."""
    scale = 1024 / 4  # half the sum of its window
    return (scale * magnitudes[:, :513].transpose(1, 2) @ mel_filters()).clamp(min=1e-5).log()


def figures(network: nn.Module, batch: tuple[Tensor, Tensor]) -> Figures:
    mel, wanted = batch
    with torch.autocast("cpu", torch.bfloat16):
        made = network(mel)
    made = made.float()
    loudness = wanted.square().mean((1, 2), keepdim=True).sqrt() + 0.003
    nats = (log_mel_of(spectrum(made, *MEL_WINDOW)) - log_mel_of(spectrum(wanted, *MEL_WINDOW))).abs().mean()
    linear = logarithmic = 0.0
    for window, hop in RESOLUTIONS:
        a, b = spectrum(made, window, hop), spectrum(wanted, window, hop)
        relative = (a - b).unflatten(0, made.shape[:2]).abs() / loudness[..., None]
        linear = linear + relative.mean() * window**0.5
        logarithmic = logarithmic + ((a + SILENT).log() - (b + SILENT).log()).abs().mean()
    a, b = _envelope(made), _envelope(wanted)
    envelope = ((a - b).abs() / loudness).mean() + 0.5 * ((a + QUIET).log() - (b + QUIET).log()).abs().mean()
    loss = 2 * nats + logarithmic + 0.1 * linear + 3 * envelope
    parts = {"nats": nats, "log": logarithmic, "linear": linear, "envelope": envelope}
    return {"loss": loss, **{name: value.detach() for name, value in parts.items()}}


def _envelope(waveform: Tensor) -> Tensor:
    """Root mean square over 20 ms, every 5 ms."""
    return (F.avg_pool1d(waveform.square(), 480, 120) + 1e-8).sqrt()


def main(minutes: float) -> None:
    torch.manual_seed(2)
    torch.set_num_threads(1)
    resumed, known = (RUNS / "vocoder.state.pt").exists(), weights_file("vocoder").exists()
    network = load_network("vocoder", rounded=False) if known else Vocoder(c.VOCODER)
    sounds = batches(seed=11 + resumed + known)
    if not known:
        mels, waveforms = zip(*(next(sounds) for _ in range(40)))
        start(network, torch.cat(mels).flatten(0, 1), torch.cat(waveforms).flatten(0, 1))
    train("vocoder", network, sounds, figures, minutes=minutes, lr=3e-4, edges=("conv_pre", "conv_post"))


if __name__ == "__main__":
    main(*amounts(10))
