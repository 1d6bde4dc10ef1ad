"""The log-mel front end: 16 kHz, 1024-point Hann windows every 160 samples, 64 Slaney bands up to 8 kHz."""

import math

import torch
from torch import Tensor


def _hertz(mel: Tensor) -> Tensor:
    """Slaney's scale: linear below 1 kHz, logarithmic above."""
    log_step = math.log(6.4) / 27
    return torch.where(mel < 15, mel * 200 / 3, 1000 * torch.exp(log_step * (mel - 15)))


def mel_filters(bands: int = 64, bins: int = 513, rate: int = 16_000) -> Tensor:
    """[bins, bands]: triangles of equal area."""
    highest = 15 + math.log(rate / 2 / 1000) / (math.log(6.4) / 27)
    points = _hertz(torch.linspace(0, highest, bands + 2, dtype=torch.float64))
    at = torch.linspace(0, rate / 2, bins, dtype=torch.float64)[:, None]
    rise = (at - points[None, :-2]) / (points[1:-1] - points[:-2])
    fall = (points[None, 2:] - at) / (points[2:] - points[1:-1])
    return (torch.minimum(rise, fall).clamp(min=0) * 2 / (points[2:] - points[:-2])).float()


def log_mel(waveform: Tensor) -> Tensor:
    """[..., n] at 16 kHz → [..., n // 160 + 1, 64]."""
    lead = waveform.shape[:-1]
    flat = waveform.reshape(-1, waveform.shape[-1])
    window = torch.hann_window(1024, periodic=True, device=waveform.device)
    spectrum = torch.stft(flat, 1024, 160, window=window, center=True, pad_mode="reflect", return_complex=True)
    mel = spectrum.abs().transpose(1, 2) @ mel_filters().to(waveform.device)  # [b, frames, 64]
    return mel.clamp(min=1e-5).log().reshape(*lead, *mel.shape[1:])
