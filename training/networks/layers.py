"""Layers that several LTX-2 networks share. Attribute names are the checkpoint's key names."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .rope import rotate

Tables = tuple[Tensor, Tensor]


def rms(x: Tensor, eps: float = 1e-6) -> Tensor:
    """Root mean square norm over the last axis, without weight."""
    return F.rms_norm(x, (x.shape[-1],), eps=eps)


class RmsNorm(nn.RMSNorm):
    """With its weight in the input's precision: the fused kernels take one type only."""

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight.to(x.dtype), self.eps)


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    """Fused on a GPU. Written out on a CPU: in bf16 its gradient takes less than half as long as the fused operator's."""
    if q.is_cuda:
        bias = None if bias is None else bias.to(q.dtype).expand(-1, -1, q.shape[2], -1)
        return F.scaled_dot_product_attention(q, k, v, bias)
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    if bias is not None:
        scores = scores + bias.to(scores.dtype)
    return torch.softmax(scores, -1).to(v.dtype) @ v


class Attention(nn.Module):
    """Attention with RMS norm over the full query and key width, before the split into heads."""

    def __init__(self, query_dim: int, context_dim: int, heads: int, head_dim: int) -> None:
        super().__init__()
        inner = heads * head_dim
        self.heads = heads
        self.to_q = nn.Linear(query_dim, inner)
        self.to_k = nn.Linear(context_dim, inner)
        self.to_v = nn.Linear(context_dim, inner)
        self.to_out = nn.ModuleList([nn.Linear(inner, query_dim)])
        self.q_norm = RmsNorm(inner, eps=1e-6)
        self.k_norm = RmsNorm(inner, eps=1e-6)

    def forward(
        self, x: Tensor, context: Tensor | None = None, q_rope: Tables | None = None, k_rope: Tables | None = None,
        bias: Tensor | None = None,
    ) -> Tensor:
        """x [B, N, query_dim], context [B, M, context_dim] → [B, N, query_dim]; bias [B, 1, 1, M] adds to the scores."""
        context = x if context is None else context
        q = self._heads(self.q_norm(self.to_q(x)))  # [B, heads, N, d]
        k = self._heads(self.k_norm(self.to_k(context)))  # [B, heads, M, d]
        v = self._heads(self.to_v(context))
        if q_rope is not None:
            q = rotate(q, q_rope).to(v.dtype)
            k = rotate(k, q_rope if k_rope is None else k_rope).to(v.dtype)
        out = attend(q, k, v, bias)  # [B, heads, N, d]
        return self.to_out[0](out.transpose(1, 2).flatten(2))

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class _Projection(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.proj = nn.Linear(dim, hidden)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.proj(x), approximate="tanh")


class FeedForward(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.net = nn.ModuleList([_Projection(dim, 4 * dim), nn.Identity(), nn.Linear(4 * dim, dim)])

    def forward(self, x: Tensor) -> Tensor:
        return self.net[2](self.net[0](x))


class TextProjection(nn.Module):
    """Text width → stream width."""

    def __init__(self, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(in_dim, out_dim)
        self.linear_2 = nn.Linear(out_dim, out_dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear_2(F.gelu(self.linear_1(x), approximate="tanh"))


class PixelNorm(nn.Module):
    """RMS norm over the channel axis (1), without weight."""

    def __init__(self, eps: float) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + self.eps)


class PerChannelStatistics(nn.Module):
    """Mean and deviation of the latents, measured once the encoder is trained."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean-of-means", torch.zeros(channels))
        self.register_buffer("std-of-means", torch.ones(channels))

    def measure(self, mean: Tensor, std: Tensor) -> None:
        self.get_buffer("mean-of-means").copy_(mean)
        self.get_buffer("std-of-means").copy_(std)

    def normalize(self, x: Tensor) -> Tensor:
        """x [B, channels, …]"""
        return (x - self._column("mean-of-means", x)) / self._column("std-of-means", x)

    def denormalize(self, x: Tensor) -> Tensor:
        return x * self._column("std-of-means", x) + self._column("mean-of-means", x)

    def _column(self, name: str, x: Tensor) -> Tensor:
        return self.get_buffer(name).view(1, -1, *[1] * (x.dim() - 2))
