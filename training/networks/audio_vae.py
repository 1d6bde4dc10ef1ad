"""The audio autoencoder of LTX-2 over log-mel pictures [time, mel], causal in time: 4 mel frames per latent."""

import torch.nn.functional as F
from torch import Tensor, nn

from .layers import PerChannelStatistics, PixelNorm


class Conv(nn.Module):
    """Causal along time, symmetric along mel."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3) -> None:
        super().__init__()
        self.pad = kernel - 1
        self.conv = nn.Conv2d(in_channels, out_channels, kernel)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, (self.pad // 2, self.pad // 2, self.pad, 0)))


class ResBlock(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm = PixelNorm(1e-6)
        self.conv1 = Conv(in_channels, out_channels)
        self.conv2 = Conv(out_channels, out_channels)
        if in_channels != out_channels:
            self.nin_shortcut = Conv(in_channels, out_channels, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(F.silu(self.norm(self.conv1(F.silu(self.norm(x))))))
        return y + (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x)


class Downsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, (0, 1, 2, 0)))


class Upsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = Conv(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))[:, :, 1:]


class Level(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, count: int) -> None:
        super().__init__()
        self.block = nn.ModuleList(ResBlock(in_channels if i == 0 else out_channels, out_channels) for i in range(count))


class Middle(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block_1 = ResBlock(channels, channels)
        self.block_2 = ResBlock(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.block_2(self.block_1(x))


class AudioEncoder(nn.Module):
    def __init__(self, config: dict) -> None:
        super().__init__()
        widths = [config["ch"] * factor for factor in config["ch_mult"]]
        self.z_channels = config["z_channels"]
        self.norm = PixelNorm(1e-6)
        self.conv_in = Conv(config["in_channels"], widths[0])
        self.down = nn.ModuleList()
        for index, width in enumerate(widths):
            level = Level(widths[max(0, index - 1)], width, config["num_res_blocks"])
            if index < len(widths) - 1:
                level.downsample = Downsample(width)
            self.down.append(level)
        self.mid = Middle(widths[-1])
        self.conv_out = Conv(widths[-1], 2 * self.z_channels)

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """[B, 2, T, 64] → mean and log-variance [B, z, ceil(T/4), 16]; not normalized."""
        x = self.conv_in(mel)
        for level in self.down:
            for block in level.block:
                x = block(x)
            if hasattr(level, "downsample"):
                x = level.downsample(x)
        x = self.conv_out(F.silu(self.norm(self.mid(x))))
        return x[:, : self.z_channels], x[:, self.z_channels :]


class AudioDecoder(nn.Module):
    def __init__(self, config: dict) -> None:
        super().__init__()
        widths = [config["ch"] * factor for factor in config["ch_mult"]]
        last = len(widths) - 1
        self.norm = PixelNorm(1e-6)
        self.conv_in = Conv(config["z_channels"], widths[-1])
        self.mid = Middle(widths[-1])
        self.up = nn.ModuleList()
        for index, width in enumerate(widths):
            level = Level(widths[min(last, index + 1)], width, config["num_res_blocks"] + 1)
            if index > 0:
                level.upsample = Upsample(width)
            self.up.append(level)
        self.conv_out = Conv(widths[0], config["out_ch"])

    def forward(self, latent: Tensor) -> Tensor:
        """[B, z, T, 16], not normalized → [B, 2, 4T−3, 64]."""
        x = self.mid(self.conv_in(latent))
        for level in reversed(self.up):
            for block in level.block:
                x = block(x)
            if hasattr(level, "upsample"):
                x = level.upsample(x)
        return self.conv_out(F.silu(self.norm(x)))


class AudioVae(nn.Module):
    def __init__(self, config: dict) -> None:
        super().__init__()
        settings = config["model"]["params"]["ddconfig"]
        self.encoder = AudioEncoder(settings)
        self.decoder = AudioDecoder(settings)
        self.per_channel_statistics = PerChannelStatistics(settings["z_channels"] * settings["mel_bins"] // 4)

    def encode(self, mel: Tensor) -> Tensor:
        """[B, 2, T, 64] → normalized tokens [B, T', z·16]."""
        tokens = to_tokens(self.encoder(mel)[0])
        return self.per_channel_statistics.normalize(tokens.transpose(1, 2)).transpose(1, 2)

    def decode(self, tokens: Tensor) -> Tensor:
        """Normalized tokens [B, T', z·16] → mel [B, 2, 4T'−3, 64]."""
        raw = self.per_channel_statistics.denormalize(tokens.transpose(1, 2)).transpose(1, 2)
        return self.decoder(raw.unflatten(2, (-1, 16)).transpose(1, 2))


def to_tokens(latent: Tensor) -> Tensor:
    """[B, z, T, 16] → [B, T, z·16], the mel index fastest."""
    return latent.transpose(1, 2).flatten(2)
