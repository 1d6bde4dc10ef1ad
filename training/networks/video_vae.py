"""The causal video autoencoder of LTX-2: 32×32 pixels × 8 frames per latent, the first frame alone."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import PerChannelStatistics, PixelNorm

STRIDES = {"compress_space_res": (1, 2, 2), "compress_time_res": (2, 1, 1), "compress_all_res": (2, 2, 2)}
UP_STRIDES = (2, 2, 2)


def space_to_depth(x: Tensor, factors: tuple[int, int, int]) -> Tensor:
    """[B, C, T, H, W] → [B, C·a·e·f, T/a, H/e, W/f], the width's sub-index fastest."""
    a, e, f = factors
    x = x.unflatten(4, (-1, f)).unflatten(3, (-1, e)).unflatten(2, (-1, a))  # [B, C, t, a, h, e, w, f]
    return x.permute(0, 1, 3, 5, 7, 2, 4, 6).flatten(1, 4)


def depth_to_space(x: Tensor, factors: tuple[int, int, int]) -> Tensor:
    a, e, f = factors
    x = x.unflatten(1, (-1, a, e, f))  # [B, C, a, e, f, t, h, w]
    return x.permute(0, 1, 5, 2, 6, 3, 7, 4).flatten(6, 7).flatten(4, 5).flatten(2, 3)


def patchify(x: Tensor, patch: int = 4) -> Tensor:
    """[B, 3, T, H, W] → [B, 48, T, H/4, W/4]; the sub-index along the height is fastest."""
    x = x.unflatten(4, (-1, patch)).unflatten(3, (-1, patch))  # [B, C, T, h, q, w, r]
    return x.permute(0, 1, 6, 4, 2, 3, 5).flatten(1, 3)


def unpatchify(x: Tensor, patch: int = 4) -> Tensor:
    x = x.unflatten(1, (-1, patch, patch))  # [B, C, r, q, T, h, w]
    return x.permute(0, 1, 4, 5, 3, 6, 2).flatten(5, 6).flatten(3, 4)


class Conv(nn.Module):
    """3×3×3. Causal with zero edges in the encoder, symmetric with reflected edges in the decoder."""

    def __init__(self, in_channels: int, out_channels: int, causal: bool) -> None:
        super().__init__()
        self.causal = causal
        self.conv = nn.Conv3d(in_channels, out_channels, 3, padding=(0, 1, 1) if causal else 0)

    def forward(self, x: Tensor) -> Tensor:
        first, last = x[:, :, :1], x[:, :, -1:]
        if self.causal:
            return self.conv(torch.cat([first, first, x], 2))
        x = torch.cat([first, x, last], 2)
        frames = x.shape[2]
        x = F.pad(x.transpose(1, 2).flatten(0, 1), (1, 1, 1, 1), mode="reflect")  # frame by frame
        return self.conv(x.unflatten(0, (-1, frames)).transpose(1, 2))


class ResBlock(nn.Module):
    def __init__(self, channels: int, causal: bool) -> None:
        super().__init__()
        self.norm = PixelNorm(1e-8)
        self.conv1 = Conv(channels, channels, causal)
        self.conv2 = Conv(channels, channels, causal)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.silu(self.norm(x)))
        return x + self.conv2(F.silu(self.norm(y)))


class ResBlocks(nn.Module):
    def __init__(self, channels: int, count: int, causal: bool) -> None:
        super().__init__()
        self.res_blocks = nn.ModuleList(ResBlock(channels, causal) for _ in range(count))

    def forward(self, x: Tensor) -> Tensor:
        for block in self.res_blocks:
            x = block(x)
        return x


class Downsample(nn.Module):
    def __init__(self, channels: int, factors: tuple[int, int, int], multiplier: int) -> None:
        super().__init__()
        a, e, f = factors
        self.factors = factors
        self.out_channels = multiplier * channels
        self.conv = Conv(channels, self.out_channels // (a * e * f), causal=True)

    def forward(self, x: Tensor) -> Tensor:
        if self.factors[0] == 2:
            x = torch.cat([x[:, :, :1], x], 2)
        skip = space_to_depth(x, self.factors).unflatten(1, (self.out_channels, -1)).mean(2)
        return skip + space_to_depth(self.conv(x), self.factors)


class Upsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = Conv(channels, 4 * channels, causal=False)

    def forward(self, x: Tensor) -> Tensor:
        main = depth_to_space(self.conv(x), UP_STRIDES)
        skip = depth_to_space(x, UP_STRIDES)
        return (main + skip.repeat(1, main.shape[1] // skip.shape[1], 1, 1, 1))[:, :, 1:]


class VideoEncoder(nn.Module):
    def __init__(self, config: dict) -> None:
        super().__init__()
        channels = config["latent_channels"]
        width = channels
        self.channels = channels
        self.norm = PixelNorm(1e-8)
        self.conv_in = Conv(48, width, causal=True)
        self.down_blocks = nn.ModuleList()
        for kind, settings in config["encoder_blocks"]:
            if kind == "res_x":
                self.down_blocks.append(ResBlocks(width, settings["num_layers"], causal=True))
            else:
                multiplier = settings.get("multiplier", 2)
                self.down_blocks.append(Downsample(width, STRIDES[kind], multiplier))
                width *= multiplier
        self.conv_out = Conv(width, channels + 1, causal=True)

    def forward(self, video: Tensor) -> tuple[Tensor, Tensor]:
        """[B, 3, 8k+1, H, W] in −1…1 → mean [B, C, k+1, H/32, W/32], log-variance [B, 1, …]; not normalized."""
        x = self.conv_in(patchify(video))
        for block in self.down_blocks:
            x = block(x)
        x = self.conv_out(F.silu(self.norm(x)))
        return x[:, : self.channels], x[:, self.channels :]


class VideoDecoder(nn.Module):
    def __init__(self, config: dict) -> None:
        super().__init__()
        width = 8 * config["decoder_base_channels"]
        self.norm = PixelNorm(1e-8)
        self.conv_in = Conv(config["latent_channels"], width, causal=False)
        self.up_blocks = nn.ModuleList()
        for kind, settings in reversed(config["decoder_blocks"]):
            if kind == "res_x":
                self.up_blocks.append(ResBlocks(width, settings["num_layers"], causal=False))
            else:
                self.up_blocks.append(Upsample(width))
                width //= 2
        self.conv_out = Conv(width, 48, causal=False)

    def forward(self, latent: Tensor) -> Tensor:
        """[B, C, F, h, w], not normalized → [B, 3, 8(F−1)+1, 32h, 32w], about −1…1."""
        x = self.conv_in(latent)
        for block in self.up_blocks:
            x = block(x)
        return unpatchify(self.conv_out(F.silu(self.norm(x))))


class VideoVae(nn.Module):
    def __init__(self, config: dict) -> None:
        super().__init__()
        self.encoder = VideoEncoder(config)
        self.decoder = VideoDecoder(config)
        self.per_channel_statistics = PerChannelStatistics(config["latent_channels"])

    def encode(self, video: Tensor) -> Tensor:
        """The normalized mean."""
        return self.per_channel_statistics.normalize(self.encoder(video)[0])

    def decode(self, latent: Tensor) -> Tensor:
        return self.decoder(self.per_channel_statistics.denormalize(latent))


class CoarseConvolution(nn.Conv3d):
    """In bf16 with float32 around it."""

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.weight.bfloat16(), self.bias.bfloat16()
        return F.conv3d(x.bfloat16(), weight, bias, padding=self.padding).float()


def coarsen(network: VideoEncoder | VideoDecoder) -> None:
    """All convolutions but the last, which suffers: nearly twice as fast on a CPU. Latents change by one percent, and
    gradients point nearly the same way."""
    for module in network.modules():
        if isinstance(module, nn.Conv3d) and module is not network.conv_out.conv:
            module.__class__ = CoarseConvolution
