"""Trains the seven camera adapters and two styles on the finished transformer:

python train_loras.py [minutes each] [shards of clips each] [names]
"""

import sys

import numpy as np
import torch
from torch import Tensor, nn

from amounts import amounts
from checkpoint import NANO, load_network, write
from clips import Form, Recipe, make_shard, save_shard, seconds_of, shard_folder
from examples import batches
from loop import train
from partners import join, partners, wait_for_all
from train_transformer import Generator, learn
from world.camera import MOVES
from world.recordings import Recordings, speech_pool
from world.scene import random_scene

RANK = 8
TARGETS = ("attn1.to_q", "attn1.to_k", "attn1.to_v", "attn1.to_out.0", "ff.net.0.proj", "ff.net.2")
STYLES = ("ink", "neon")
FORMS = (Form(9, 4, 4), Form(13, 4, 4), Form(5, 6, 8), Form(8, 6, 8), Form(5, 8, 8), Form(2, 12, 16), Form(3, 12, 16))
CLIPS_PER_SHARD = 6


class Adapted(nn.Module):
    """A linear layer that stays, and what is added to it: y + B(Ax)."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        self.lora_A = nn.Linear(layer.in_features, RANK, bias=False)
        self.lora_B = nn.Linear(RANK, layer.out_features, bias=False)
        nn.init.zeros_(self.lora_B.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) + self.lora_B(self.lora_A(x))


def adapt(network: Generator) -> dict[str, Adapted]:
    """Puts fresh adapters into every block; returns them by the names of their layers."""
    network.requires_grad_(False)
    adapted = {}
    for index, block in enumerate(network.transformer.transformer_blocks):
        for target in TARGETS:
            parent, _, name = target.rpartition(".")
            owner = block.get_submodule(parent)
            added = Adapted(getattr(owner, name) if not name.isdigit() else owner[int(name)])
            owner.register_module(name, added)
            adapted[f"transformer_blocks.{index}.{target}"] = added
    return adapted


def file_name(name: str) -> str:
    """As the published adapters are called, so that the same names find them."""
    if name in STYLES:
        return f"loras/nano-style-{name}.safetensors"
    return f"ltx-2-nano-lora-camera-control-{name.replace('_', '-')}.safetensors"


def make_clips(name: str, shards: int) -> None:
    random = np.random.default_rng([7, *name.encode()])
    recordings, video, audio = Recordings(speech_pool()), load_network("video_vae"), load_network("audio_vae")
    for index in range(shards):
        path = shard_folder(name) / f"{index:03d}.safetensors"
        form, fps = FORMS[index % len(FORMS)], float(random.choice((24.0, 25.0, 25.0, 30.0)))
        recipes = [
            Recipe(
                random_scene(random), recordings.any(seconds_of(form, fps), random), fps, form,
                camera="static" if name in STYLES else name, style=name if name in STYLES else "plain", pace=index,
            )
            for _ in range(CLIPS_PER_SHARD)
        ]
        if index % partners() == join() and not path.exists():
            save_shard(make_shard(recipes, video, audio, index), path)
    wait_for_all()


def train_lora(name: str, minutes: float, shards: int) -> None:
    torch.manual_seed(11)
    make_clips(name, shards)
    network = Generator()
    network.transformer.load_state_dict(load_network("transformer").state_dict())
    network.connectors.load_state_dict(load_network("connectors").state_dict())
    adapted = adapt(network)
    learned = nn.ModuleDict({key.replace(".", "/"): nn.ModuleDict({"A": a.lora_A, "B": a.lora_B}) for key, a in adapted.items()})

    def figures(_network: nn.Module, clips: object) -> dict[str, Tensor]:
        return learn(network, clips)

    train(f"lora_{name}", learned, batches(shard_folder(name), 9), figures, minutes=minutes, lr=3e-3, edges=("A", "B"))
    tensors = {}
    for key, added in adapted.items():
        tensors[f"diffusion_model.{key}.lora_A.weight"] = added.lora_A.weight
        tensors[f"diffusion_model.{key}.lora_B.weight"] = added.lora_B.weight
    write(NANO / file_name(name), tensors, {})


def main(minutes: float, shards: float, names: list[str]) -> None:
    for name in names or [*MOVES, *STYLES]:
        train_lora(name, minutes, max(1, round(shards)))


if __name__ == "__main__":
    main(*amounts(3.5, 6), sys.argv[3:])
