"""From the text encoder's hidden states to the two contexts the transformer attends to."""

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

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
        x = x + self.attn1(rms(x), q_rope=rope)
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

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """features [B, S, H], left-padded by mask [B, S] → [B, S, H]: words first, registers in place of padding."""
        batch, length, _ = features.shape
        counts = mask.sum(1)  # [B]
        index = torch.arange(length, device=features.device)[None]
        gathered = features.gather(1, ((index + length - counts[:, None]) % length)[..., None].expand_as(features))
        registers = self.learnable_registers.repeat(length // len(self.learnable_registers), 1)[None]
        x = torch.where((index < counts[:, None])[..., None], gathered, registers)
        places = torch.arange(length, device=x.device, dtype=torch.float32)
        positions = torch.stack([places, places], -1)[None, None]
        rope = rotary_tables(positions, self.dim, self.heads, self.max_pos)
        for block in self.transformer_1d_blocks:
            x = block(x, rope)
        return rms(x)


class TextConnectors(nn.Module):
    def __init__(self, config: dict, states: int) -> None:
        super().__init__()
        dim = config["connector_num_attention_heads"] * config["connector_attention_head_dim"]
        self.aggregate_embed = nn.Linear(dim * states, dim, bias=False)
        self.video_embeddings_connector = Connector(config)
        self.audio_embeddings_connector = Connector(config)

    def forward(self, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """states [L+1, B, S, H] → video and audio context [B, S, H]."""
        features = self.aggregate_embed(normalize_states(states, mask))
        return self.video_embeddings_connector(features, mask), self.audio_embeddings_connector(features, mask)
