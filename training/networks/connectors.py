"""From the text encoder's hidden states to the two contexts the transformer attends to."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .layers import Attention, FeedForward, rms
from .rope import rotary_tables


def normalize_states(states: Tensor, mask: Tensor) -> Tensor:
    """states [L+1, B, S, H], mask [B, S] → [B, S, H·(L+1)], each layer scaled by its own range, padding zero."""
    valid = mask.bool()[None, :, :, None]  # [1, B, S, 1]
    count = mask.sum(1)[None, :, None, None] * states.shape[-1]
    mean = torch.where(valid, states, 0).sum((2, 3), keepdim=True) / (count + 1e-6)  # [L+1, B, 1, 1]
    largest = torch.where(valid, states, float("-inf")).amax((2, 3), keepdim=True)
    smallest = torch.where(valid, states, float("inf")).amin((2, 3), keepdim=True)
    scaled = 8 * (states - mean) / (largest - smallest + 1e-6)
    return torch.where(valid, scaled, 0).permute(1, 2, 3, 0).flatten(2)


class Block(nn.Module):
    def __init__(self, heads: int, head_dim: int) -> None:
        super().__init__()
        dim = heads * head_dim
        self.attn1 = Attention(dim, dim, heads, head_dim)
        self.ff = FeedForward(dim)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], bias: Tensor | None) -> Tensor:
        x = x + self.attn1(rms(x), q_rope=rope, bias=bias)
        return x + self.ff(rms(x))


class Connector(nn.Module):
    def __init__(self, config: dict) -> None:
        super().__init__()
        self.heads, head_dim = config["connector_num_attention_heads"], config["connector_attention_head_dim"]
        self.dim = self.heads * head_dim
        self.max_pos = config["connector_positional_embedding_max_pos"]
        self.learnable_registers = nn.Parameter(torch.rand(config["connector_num_learnable_registers"], self.dim) * 2 - 1)
        self.transformer_1d_blocks = nn.ModuleList(
            Block(self.heads, head_dim) for _ in range(config["connector_num_layers"])
        )

    def forward(
        self, features: Tensor, mask: Tensor, places: Tensor | None = None, bias: Tensor | None = None
    ) -> Tensor:
        """features [B, S, H], left-padded by mask [B, S] → [B, S, H]: words first, registers in place of padding.

        `places` [B, S] and `bias` [B, 1, 1, S] let few rows stand for many (see Thinning).
        """
        batch, length, _ = features.shape
        counts = mask.sum(1)  # [B]
        index = torch.arange(length, device=features.device)[None]
        gathered = features.gather(1, ((index + length - counts[:, None]) % length)[..., None].expand_as(features))
        registers = self.learnable_registers.repeat(length // len(self.learnable_registers), 1)[None]
        x = torch.where((index < counts[:, None])[..., None], gathered, registers)
        places = index.float() if places is None else places
        rope = rotary_tables(torch.stack([places, places], -1)[:, None], self.dim, self.heads, self.max_pos)
        for block in self.transformer_1d_blocks:
            x = block(x, rope, bias)
        return rms(x)


@dataclass
class Thinning:
    """For training: one row stands for the `repeats` registers that a context of full length has at its place.

    Words keep their places; a register is at a random one of its places, and weighs as much as all of them.
    """

    places: Tensor  # [B, S]
    bias: Tensor  # [B, 1, 1, S]

    @staticmethod
    def random(mask: Tensor, repeats: int) -> "Thinning":
        batch, length = mask.shape
        index = torch.arange(length, device=mask.device)[None]
        is_register = index >= mask.sum(1, keepdim=True)  # [B, S]
        turns = torch.randint(repeats, (batch, length), device=mask.device) * is_register
        bias = torch.where(is_register, math.log(repeats), 0.0)
        return Thinning((index + length * turns).float(), bias[:, None, None])


class TextConnectors(nn.Module):
    def __init__(self, config: dict, states: int) -> None:
        super().__init__()
        dim = config["connector_num_attention_heads"] * config["connector_attention_head_dim"]
        self.aggregate_embed = nn.Linear(dim * states, dim, bias=False)
        self.video_embeddings_connector = Connector(config)
        self.audio_embeddings_connector = Connector(config)

    def forward(self, states: Tensor, mask: Tensor, thinning: Thinning | None = None) -> tuple[Tensor, Tensor]:
        """states [L+1, B, S, H] → video and audio context [B, S, H]."""
        features = self.aggregate_embed(normalize_states(states, mask))
        thin = () if thinning is None else (thinning.places, thinning.bias)
        return (
            self.video_embeddings_connector(features, mask, *thin),
            self.audio_embeddings_connector(features, mask, *thin),
        )
