"""Weights for the video autoencoder to begin with: the best linear one that its layers can express.

From random weights it stands at 10 dB for a long time, since its norms hide how bright things are. Here every layer uses
only the middle of its kernels: the encoder's skips and selections, then principal components; in the decoder, for each
halving of the block size, the principal components of the smaller blocks, predicted from those of the larger one. The
norms before the last convolutions are made nearly harmless by one large constant channel, and silu by pairs of channels
of opposite sign: silu(x) − silu(−x) = x.
"""

import math

import torch
from torch import Tensor, nn

from networks.video_vae import ResBlock, VideoVae, patchify, space_to_depth

CONSTANT = 3.0
UP = (2, 2, 2)


def _clear(conv: nn.Conv3d) -> None:
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(conv.bias)


def _set_middle(conv: nn.Conv3d, matrix: Tensor, causal: bool) -> None:
    """The tap on the present frame and place."""
    _clear(conv)
    conv.weight.data[: matrix.shape[0], : matrix.shape[1], 2 if causal else 1, 1, 1] = matrix


def _cosines(count: int) -> Tensor:
    """[count, 48]: for patchified input, the means of the three colors, then ever finer cosines of each."""
    i = torch.arange(4)
    waves = torch.stack([torch.cos(math.pi * k * (i + 0.5) / 4) for k in range(4)])
    orders = sorted(((a + b, a, b, color) for color in range(3) for a in range(4) for b in range(4)))
    rows = []
    for _, a, b, color in orders[:count]:
        row = torch.zeros(3, 4, 4)  # [color, width sub-index, height sub-index]
        row[color] = waves[a][:, None] * waves[b] / 16
        rows.append(row.flatten())
    return torch.stack(rows)


def _principal(values: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """values [n, d] → mean [d], components [count, d] and their deviations [count], largest first."""
    mean = values.mean(0)
    centered = values - mean
    eigenvalues, vectors = torch.linalg.eigh(centered.T @ centered / len(values))
    return mean, vectors.T.flip(0)[:count], eigenvalues.flip(0)[:count].clamp(min=1e-8).sqrt()


def _regress(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Weights [d_out, d_in] and bias [d_out] of the best linear map."""
    with_one = torch.cat([inputs, torch.ones(len(inputs), 1)], 1)
    gram = with_one.T @ with_one + 1e-3 * len(inputs) * torch.eye(with_one.shape[1])
    solution = torch.linalg.solve(gram, with_one.T @ targets).T
    return solution[:, :-1], solution[:, -1]


def _start_encoder(network: VideoVae, blocks: Tensor) -> Tensor:
    """blocks [n, 3, 9, 32, 32]; returns their latents [n, C]."""
    encoder = network.encoder
    width = encoder.conv_in.conv.out_channels
    half = torch.cat([torch.zeros(1, 48), 2 * _cosines(width // 2 - 1)])
    _set_middle(encoder.conv_in.conv, torch.cat([half, -half]), causal=True)
    encoder.conv_in.conv.bias.data[[0, width // 2]] = torch.tensor([CONSTANT, -CONSTANT])
    for block in encoder.down_blocks:
        if hasattr(block, "factors"):
            out, into = block.conv.conv.out_channels, block.conv.conv.in_channels
            choice = torch.zeros(out, into)
            for sign in range(2):
                rows = torch.arange(out // 2)
                choice[rows + sign * out // 2, rows + sign * into // 2] = 1
            _set_middle(block.conv.conv, choice, causal=True)
    with torch.no_grad():
        x = encoder.conv_in(patchify(blocks))
        for block in encoder.down_blocks:
            x = block(x)
        features = encoder.norm(x)[:, : x.shape[1] // 2, 1, 0, 0]
    mean, components, deviations = _principal(features, encoder.channels)
    projection = components / deviations[:, None]
    _set_middle(encoder.conv_out.conv, torch.cat([projection, -projection], 1), causal=True)
    encoder.conv_out.conv.bias.data[:-1] = -projection @ mean
    return (features - mean) @ projection.T


def _start_decoder(network: VideoVae, latents: Tensor, blocks: Tensor) -> None:
    decoder = network.decoder
    _set_middle(decoder.conv_in.conv, torch.eye(len(latents[0])), causal=False)
    ups = [block for block in decoder.up_blocks if hasattr(block, "conv")]
    patches = patchify(blocks)[:, :, 1:]  # [n, 48, 8, 8, 8]
    count = decoder.conv_out.conv.in_channels // 2
    mean, components, _ = _principal(patches.movedim(1, -1).flatten(0, 3)[::7], count - 1)
    seen = torch.einsum("kd,nd...->nk...", components, patches - mean.view(1, -1, 1, 1, 1))
    content = torch.cat([torch.full_like(seen[:, :1], CONSTANT), seen], 1)  # [n, count, 8, 8, 8]

    # From the finest blocks to the largest: what a block of each size holds, in as few numbers as there are channels.
    holdings = [content]
    for up in reversed(ups[1:]):
        pieces = space_to_depth(holdings[0], UP)  # [n, 8·c, t, h, w]
        flat = pieces.movedim(1, -1).flatten(0, 3)
        place, basis, spread = _principal(flat[:: max(1, len(flat) // 20_000)], up.conv.conv.in_channels)
        fewer = ((pieces.movedim(1, -1) - place) @ basis.T / spread.clamp(min=1e-3)).movedim(-1, 1)
        holdings.insert(0, fewer)
    known = latents
    for up, wanted in zip(ups, holdings):
        _start_up(up.conv.conv, known, wanted, paired=wanted is content)
        known = wanted.movedim(1, -1).flatten(0, 3)
    both = torch.cat([known, -known], 1)
    normed = known / (both.square().mean(1, keepdim=True) + 1e-8).sqrt()
    weight, bias = _regress(normed, patches.movedim(1, -1).flatten(0, 3))
    _set_middle(decoder.conv_out.conv, torch.cat([weight, -weight], 1), causal=False)
    decoder.conv_out.conv.bias.data.copy_(bias)


def _start_up(conv: nn.Conv3d, known: Tensor, wanted: Tensor, paired: bool) -> None:
    """known [n·positions, d] → wanted [n, c, 2t, 2h, 2w] by the middle tap, less what the skip adds already."""
    inputs, outputs = conv.in_channels, conv.out_channels // 8
    pieces = space_to_depth(wanted, UP).movedim(1, -1).flatten(0, 3)  # [n·positions, c·8]
    weight, bias = _regress(known, pieces)
    full = torch.zeros(outputs, 8, inputs)
    offset = torch.zeros(outputs, 8)
    rows = weight.shape[0] // 8
    full[:rows, :, : weight.shape[1]] = weight.view(rows, 8, -1)
    offset[:rows] = bias.view(rows, 8)
    if paired:
        full[rows : 2 * rows], offset[rows : 2 * rows] = -full[:rows], -offset[:rows]
    for row in range(outputs):
        for sub in range(8):
            full[row, sub, (row % (inputs // 8)) * 8 + sub] -= 1
    _set_middle(conv, full.flatten(0, 1), causal=False)
    conv.bias.data.copy_(offset.flatten())


def linear_start(network: VideoVae, videos: list[Tensor]) -> None:
    """videos: batches [B, 3, 8k+1, 32h, 32w] in −1…1."""
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, ResBlock):
                _clear(module.conv2.conv)
        pieces = []
        for video in videos:
            grown = torch.cat([video[:, :, :1].expand(-1, -1, 7, -1, -1), video], 2)  # the first frame stands for eight
            cut = grown.unfold(2, 8, 8).unfold(3, 32, 32).unfold(4, 32, 32)  # [B, 3, t, h, w, 8, 32, 32]
            pieces.append(cut.permute(0, 2, 3, 4, 1, 5, 6, 7).flatten(0, 3))
        blocks = torch.cat(pieces)
        blocks = torch.cat([blocks[:, :, :1], blocks], 2)  # a frame in front, as the causal layers want it
        latents = _start_encoder(network, blocks)
        _start_decoder(network, latents, blocks)
