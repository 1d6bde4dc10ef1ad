"""The audio-video transformer of LTX-2: two streams that attend to text and to each other."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import Attention, FeedForward, Tables, TextProjection, rms
from .rope import rotary_tables


@dataclass
class Stream:
    """One modality's inputs."""

    tokens: Tensor  # [B, N, C]
    timesteps: Tensor  # [B, L]: the noise levels of its tokens (denoise mask × sigma): one for each, or fewer
    positions: Tensor  # [B, P, N, 2]
    context: Tensor  # [B, S, text width]
    context_bias: Tensor | None = None  # [B, 1, 1, S], for contexts whose rows stand for several
    levels: Tensor | None = None  # [B, N, L], 1 at each token's level, else 0; needed where 1 < L < N
    padding: Tensor | None = None  # [B, 1, 1, N]: −∞ at tokens that only fill up a batch, which nothing may look at


class TimestepEmbedder(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(256, dim)
        self.linear_2 = nn.Linear(dim, dim)

    def forward(self, t: Tensor) -> Tensor:
        """t […] (already ×1000) → […, dim]."""
        frequencies = torch.exp(-math.log(10000) * torch.arange(128, device=t.device) / 128)
        angles = t[..., None].float() * frequencies
        sinusoid = torch.cat([angles.cos(), angles.sin()], -1).to(self.linear_1.weight.dtype)
        return self.linear_2(F.silu(self.linear_1(sinusoid)))


class _Embedding(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.timestep_embedder = TimestepEmbedder(dim)


class AdaLayerNormSingle(nn.Module):
    """Timestep → `rows` modulation vectors of `dim`, and the embedding itself."""

    def __init__(self, dim: int, rows: int) -> None:
        super().__init__()
        self.rows = rows
        self.emb = _Embedding(dim)
        self.linear = nn.Linear(dim, rows * dim)

    def forward(self, t: Tensor, levels: Tensor | None) -> tuple[Tensor, Tensor]:
        """t [B, L], levels [B, N, L] → modulation [B, N, rows, dim], embedded [B, N, dim]."""
        embedded = self.emb.timestep_embedder(t * 1000)
        modulation = self.linear(F.silu(embedded))
        if levels is not None:
            modulation, embedded = levels.to(modulation.dtype) @ modulation, levels.to(embedded.dtype) @ embedded
        return modulation.unflatten(-1, (self.rows, -1)), embedded


class Block(nn.Module):
    def __init__(self, video: int, audio: int, heads: int) -> None:
        super().__init__()
        video_head, audio_head = video // heads, audio // heads
        self.attn1 = Attention(video, video, heads, video_head)
        self.attn2 = Attention(video, video, heads, video_head)
        self.ff = FeedForward(video)
        self.audio_attn1 = Attention(audio, audio, heads, audio_head)
        self.audio_attn2 = Attention(audio, audio, heads, audio_head)
        self.audio_ff = FeedForward(audio)
        self.audio_to_video_attn = Attention(video, audio, heads, audio_head)
        self.video_to_audio_attn = Attention(audio, video, heads, audio_head)
        self.scale_shift_table = nn.Parameter(torch.randn(6, video) / video**0.5)
        self.audio_scale_shift_table = nn.Parameter(torch.randn(6, audio) / audio**0.5)
        self.scale_shift_table_a2v_ca_video = nn.Parameter(torch.randn(5, video) / video**0.5)
        self.scale_shift_table_a2v_ca_audio = nn.Parameter(torch.randn(5, audio) / audio**0.5)

    def forward(self, v: Tensor, a: Tensor, shared: "Shared") -> tuple[Tensor, Tensor]:
        """v [B, Nv, video], a [B, Na, audio]."""
        sh1, sc1, g1, sh2, sc2, g2 = (self.scale_shift_table + shared.video_modulation).unbind(2)
        ash1, asc1, ag1, ash2, asc2, ag2 = (self.audio_scale_shift_table + shared.audio_modulation).unbind(2)
        v = v + g1 * self.attn1(rms(v) * (1 + sc1) + sh1, q_rope=shared.video_rope, bias=shared.video_padding)
        v = v + self.attn2(rms(v), shared.video_context, bias=shared.video_context_bias)
        a = a + ag1 * self.audio_attn1(rms(a) * (1 + asc1) + ash1, q_rope=shared.audio_rope, bias=shared.audio_padding)
        a = a + self.audio_attn2(rms(a), shared.audio_context, bias=shared.audio_context_bias)

        # Scale before shift here, unlike above; both directions see the streams as they were before either.
        xv = (self.scale_shift_table_a2v_ca_video + shared.video_cross).unbind(2)
        xa = (self.scale_shift_table_a2v_ca_audio + shared.audio_cross).unbind(2)
        nv, na = rms(v), rms(a)
        v = v + xv[4] * self.audio_to_video_attn(
            nv * (1 + xv[0]) + xv[1], na * (1 + xa[0]) + xa[1], shared.video_time_rope, shared.audio_time_rope,
            shared.audio_padding,
        )
        a = a + xa[4] * self.video_to_audio_attn(
            na * (1 + xa[2]) + xa[3], nv * (1 + xv[2]) + xv[3], shared.audio_time_rope, shared.video_time_rope,
            shared.video_padding,
        )
        v = v + g2 * self.ff(rms(v) * (1 + sc2) + sh2)
        a = a + ag2 * self.audio_ff(rms(a) * (1 + asc2) + ash2)
        return v, a


@dataclass
class Shared:
    """What all blocks see alike."""

    video_modulation: Tensor  # [B, Nv, 6, video]
    audio_modulation: Tensor  # [B, Na, 6, audio]
    video_cross: Tensor  # [B, Nv, 5, video]: scale and shift for each direction, and the gate of audio → video
    audio_cross: Tensor  # [B, Na, 5, audio]
    video_context: Tensor  # [B, S, video]
    audio_context: Tensor  # [B, S, audio]
    video_context_bias: Tensor | None
    audio_context_bias: Tensor | None
    video_padding: Tensor | None
    audio_padding: Tensor | None
    video_rope: Tables
    audio_rope: Tables
    video_time_rope: Tables
    audio_time_rope: Tables


class Transformer(nn.Module):
    def __init__(self, config: dict) -> None:
        super().__init__()
        self.config = config
        heads = config["num_attention_heads"]
        video = heads * config["attention_head_dim"]
        audio = heads * config["audio_attention_head_dim"]
        text = config["caption_channels"]
        channels, audio_channels = config["in_channels"], config["audio_in_channels"]
        self.heads, self.video, self.audio = heads, video, audio
        self.patchify_proj = nn.Linear(channels, video)
        self.audio_patchify_proj = nn.Linear(audio_channels, audio)
        self.caption_projection = TextProjection(text, video)
        self.audio_caption_projection = TextProjection(text, audio)
        self.adaln_single = AdaLayerNormSingle(video, 6)
        self.audio_adaln_single = AdaLayerNormSingle(audio, 6)
        self.av_ca_video_scale_shift_adaln_single = AdaLayerNormSingle(video, 4)
        self.av_ca_audio_scale_shift_adaln_single = AdaLayerNormSingle(audio, 4)
        self.av_ca_a2v_gate_adaln_single = AdaLayerNormSingle(video, 1)
        self.av_ca_v2a_gate_adaln_single = AdaLayerNormSingle(audio, 1)
        self.transformer_blocks = nn.ModuleList(Block(video, audio, heads) for _ in range(config["num_layers"]))
        self.scale_shift_table = nn.Parameter(torch.randn(2, video) / video**0.5)
        self.audio_scale_shift_table = nn.Parameter(torch.randn(2, audio) / audio**0.5)
        self.proj_out = nn.Linear(video, channels)
        self.audio_proj_out = nn.Linear(audio, audio_channels)

    def forward(self, video: Stream, audio: Stream) -> tuple[Tensor, Tensor]:
        """→ velocities [B, Nv, C] and [B, Na, Ca]."""
        video_modulation, video_embedded = self.adaln_single(video.timesteps, video.levels)
        audio_modulation, audio_embedded = self.audio_adaln_single(audio.timesteps, audio.levels)
        shared = Shared(
            video_modulation,
            audio_modulation,
            self._cross(self.av_ca_video_scale_shift_adaln_single, self.av_ca_a2v_gate_adaln_single, video),
            self._cross(self.av_ca_audio_scale_shift_adaln_single, self.av_ca_v2a_gate_adaln_single, audio),
            self.caption_projection(video.context),
            self.audio_caption_projection(audio.context),
            video.context_bias,
            audio.context_bias,
            video.padding,
            audio.padding,
            *self._tables(video, audio),
        )
        v = self.patchify_proj(video.tokens)
        a = self.audio_patchify_proj(audio.tokens)
        for block in self.transformer_blocks:
            v, a = block(v, a, shared)
        return (
            self._head(v, video_embedded, self.scale_shift_table, self.proj_out),
            self._head(a, audio_embedded, self.audio_scale_shift_table, self.audio_proj_out),
        )

    def _cross(self, scale_shift: AdaLayerNormSingle, gate: AdaLayerNormSingle, stream: Stream) -> Tensor:
        return torch.cat([adaln(stream.timesteps, stream.levels)[0] for adaln in (scale_shift, gate)], 2)

    def _tables(self, video: Stream, audio: Stream) -> tuple[Tables, Tables, Tables, Tables]:
        max_pos = self.config["positional_embedding_max_pos"]
        audio_max = self.config["audio_positional_embedding_max_pos"]
        cross_max = [max(max_pos[0], audio_max[0])]
        return (
            rotary_tables(video.positions, self.video, self.heads, max_pos),
            rotary_tables(audio.positions, self.audio, self.heads, audio_max),
            rotary_tables(video.positions[:, :1], self.audio, self.heads, cross_max),
            rotary_tables(audio.positions, self.audio, self.heads, cross_max),
        )

    def _head(self, x: Tensor, embedded: Tensor, table: Tensor, projection: nn.Linear) -> Tensor:
        shift, scale = (table + embedded[:, :, None]).unbind(2)
        return projection(F.layer_norm(x, (x.shape[-1],), eps=1e-6) * (1 + scale) + shift)
