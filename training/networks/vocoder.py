"""The vocoder, HiFi-GAN's generator (Kong et al. 2020, version 1) for stereo."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ResBlock(nn.Module):
    def __init__(self, channels: int, kernel: int, dilations: list[int]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=d, padding=(kernel - 1) // 2 * d) for d in dilations
        )
        self.convs2 = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for first, second in zip(self.convs1, self.convs2):
            x = x + second(F.leaky_relu(first(F.leaky_relu(x, 0.1)), 0.1))
        return x


class Vocoder(nn.Module):
    def __init__(self, config: dict, mel_bins: int = 64) -> None:
        super().__init__()
        width = config["upsample_initial_channel"]
        kernels, dilations = config["resblock_kernel_sizes"], config["resblock_dilation_sizes"]
        self.branches = len(kernels)
        self.conv_pre = nn.Conv1d(2 * mel_bins, width, 7, padding=3)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        for rate, kernel in zip(config["upsample_rates"], config["upsample_kernel_sizes"]):
            self.ups.append(nn.ConvTranspose1d(width, width // 2, kernel, rate, (kernel - rate) // 2))
            width //= 2
            self.resblocks.extend(ResBlock(width, k, d) for k, d in zip(kernels, dilations))
        self.conv_post = nn.Conv1d(width, 2, 7, padding=3)

    def forward(self, mel: Tensor) -> Tensor:
        """log-mel [B, 2, T, 64] → [B, 2, 240·T] in −1…1."""
        x = self.conv_pre(mel.transpose(2, 3).flatten(1, 2))  # [B, 128, T]
        for stage, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, 0.1))
            blocks = self.resblocks[stage * self.branches : (stage + 1) * self.branches]
            x = sum(block(x) for block in blocks) / self.branches
        # The reference leaves this slope at the framework's default.
        return torch.tanh(self.conv_post(F.leaky_relu(x, 0.01)))
