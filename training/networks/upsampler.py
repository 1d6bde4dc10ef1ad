"""The latent upsampler: twice the height and width. Works on latents that are not normalized."""

import torch.nn.functional as F
from torch import Tensor, nn


class ResBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(channels, channels, 3, padding=1)
        self.norm1 = nn.GroupNorm(32, channels)
        self.conv2 = nn.Conv3d(channels, channels, 3, padding=1)
        self.norm2 = nn.GroupNorm(32, channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(x + self.norm2(self.conv2(F.silu(self.norm1(self.conv1(x))))))


class _PixelShuffle(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 4 * channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        frames = x.shape[2]
        x = F.pixel_shuffle(self.conv(x.transpose(1, 2).flatten(0, 1)), 2)
        return x.unflatten(0, (-1, frames)).transpose(1, 2)


class LatentUpsampler(nn.Module):
    def __init__(self, config: dict) -> None:
        super().__init__()
        channels, width, count = config["in_channels"], config["mid_channels"], config["num_blocks_per_stage"]
        self.initial_conv = nn.Conv3d(channels, width, 3, padding=1)
        self.initial_norm = nn.GroupNorm(32, width)
        self.res_blocks = nn.ModuleList(ResBlock(width) for _ in range(count))
        self.upsampler = _PixelShuffle(width)
        self.post_upsample_res_blocks = nn.ModuleList(ResBlock(width) for _ in range(count))
        self.final_conv = nn.Conv3d(width, channels, 3, padding=1)

    def forward(self, latent: Tensor) -> Tensor:
        """[B, C, F, h, w] → [B, C, F, 2h, 2w]."""
        x = F.silu(self.initial_norm(self.initial_conv(latent)))
        for block in self.res_blocks:
            x = block(x)
        x = self.upsampler(x)
        for block in self.post_upsample_res_blocks:
            x = block(x)
        return self.final_conv(x)
