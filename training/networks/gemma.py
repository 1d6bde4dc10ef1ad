"""Gemma 3's text stack, as text encoder and as language model (tied head)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .rope import rotate

# Of each layer, the keys and values [B, kv heads, S, head] of what was read before.
Memory = dict[int, tuple[Tensor, Tensor]]


class RmsNorm(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(dim))

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), eps=1e-6) * (1 + self.weight)


class SelfAttention(nn.Module):
    def __init__(self, config: dict, index: int) -> None:
        super().__init__()
        self.index = index
        hidden, head = config["hidden_size"], config["head_dim"]
        self.head = head
        self.scale = config["query_pre_attn_scalar"] ** -0.5
        self.q_proj = nn.Linear(hidden, config["num_attention_heads"] * head, bias=False)
        self.k_proj = nn.Linear(hidden, config["num_key_value_heads"] * head, bias=False)
        self.v_proj = nn.Linear(hidden, config["num_key_value_heads"] * head, bias=False)
        self.o_proj = nn.Linear(config["num_attention_heads"] * head, hidden, bias=False)
        self.q_norm = RmsNorm(head)
        self.k_norm = RmsNorm(head)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], mask: Tensor, memory: Memory | None = None) -> Tensor:
        q = rotate(self.q_norm(self._heads(self.q_proj(x))), rope)
        k = rotate(self.k_norm(self._heads(self.k_proj(x))), rope)
        v = self._heads(self.v_proj(x))
        if memory is not None:
            before = memory.get(self.index)
            if before:
                k, v = (torch.cat([old.expand(len(x), -1, -1, -1), new], 2) for old, new in zip(before, (k, v)))
            memory[self.index] = k, v
        groups = q.shape[1] // k.shape[1]
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=self.scale)
        return self.o_proj(out.transpose(1, 2).flatten(2))

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, self.head)).transpose(1, 2)


class Mlp(nn.Module):
    def __init__(self, config: dict) -> None:
        super().__init__()
        hidden, inner = config["hidden_size"], config["intermediate_size"]
        self.gate_proj = nn.Linear(hidden, inner, bias=False)
        self.up_proj = nn.Linear(hidden, inner, bias=False)
        self.down_proj = nn.Linear(inner, hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.gelu(self.gate_proj(x), approximate="tanh") * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, config: dict, index: int) -> None:
        super().__init__()
        hidden = config["hidden_size"]
        self.self_attn = SelfAttention(config, index)
        self.mlp = Mlp(config)
        self.input_layernorm = RmsNorm(hidden)
        self.post_attention_layernorm = RmsNorm(hidden)
        self.pre_feedforward_layernorm = RmsNorm(hidden)
        self.post_feedforward_layernorm = RmsNorm(hidden)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], mask: Tensor, memory: Memory | None = None) -> Tensor:
        x = x + self.post_attention_layernorm(self.self_attn(self.input_layernorm(x), rope, mask, memory))
        return x + self.post_feedforward_layernorm(self.mlp(self.pre_feedforward_layernorm(x)))


class Gemma(nn.Module):
    def __init__(self, config: dict) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config["vocab_size"], config["hidden_size"])
        nn.init.normal_(self.embed_tokens.weight, std=config["hidden_size"] ** -0.5)
        self.layers = nn.ModuleList(Layer(config, index) for index in range(config["num_hidden_layers"]))
        self.norm = RmsNorm(config["hidden_size"])

    def forward(self, ids: Tensor, mask: Tensor, memory: Memory | None = None) -> Tensor:
        """ids, mask [B, S], padded on the left → all hidden states [L+1, B, S, H], the last one after the norm.

        With a memory, `mask` [B, M+S] is also of the M tokens it holds (of each row, or one row that all share), and the
        new ones are added to it.
        """
        length, whole = ids.shape[1], mask.shape[1]
        positions = torch.arange(whole - length, whole, device=ids.device, dtype=torch.float32)
        factor = self.config.get("rope_scaling") or {"factor": 1.0}
        local = self._tables(positions, self.config["rope_local_base_freq"], 1.0)
        world = self._tables(positions, self.config["rope_theta"], factor["factor"])
        ones = torch.ones(length, whole, dtype=torch.bool, device=ids.device)
        causal = ones.tril(whole - length)
        allowed = causal[None, None] & mask.bool()[:, None, None]  # [B, 1, S, M+S]
        # A row of padding may see itself, so that no softmax is over nothing.
        allowed = allowed | (causal & ones.triu(whole - length))
        x = self.embed_tokens(ids) * self.config["hidden_size"] ** 0.5
        states = [x]
        pattern = self.config.get("sliding_window_pattern", 6)
        for index, layer in enumerate(self.layers):
            x = layer(x, world if (index + 1) % pattern == 0 else local, allowed, memory)
            states.append(x)
        states[-1] = self.norm(x)
        return torch.stack(states)

    def logits(self, last: Tensor) -> Tensor:
        """The last hidden state […, H] → [..., vocabulary]."""
        return last @ self.embed_tokens.weight.T

    def _tables(self, positions: Tensor, theta: float, factor: float) -> tuple[Tensor, Tensor]:
        head = self.config["head_dim"]
        inverse = theta ** -(torch.arange(0, head, 2, device=positions.device, dtype=torch.float32) / head) / factor
        angles = positions[:, None] * inverse  # [S, head/2]
        return angles.cos()[None, None], angles.sin()[None, None]
