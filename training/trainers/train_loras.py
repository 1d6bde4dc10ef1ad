"""Trains the seven camera adapters and two styles on the finished transformer:

./run train_loras [minutes each] [thousands of tokens of clips each] [names]

An adapter that is in models/nano is trained on, as when the transformer has changed; without it, a new one.
"""

import sys

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from trainers.amounts import amounts
from checkpoint import NANO, load_network, write
from clips.clips import shard_folder
from device import DEVICE
from trainers.examples import Example
from trainers.loop import Figures, train
from clips.make_clips import make_clips
from clips.pool import clips_of, pairs_of
from trainers.train_transformer import Generator, alternated, figures, to_learn, to_refine
from world.camera import MOVES

RANK = 8
# What a move or a style is, the first stage learns; the second has to keep it.
REFINED_SHARE = 0.35
TARGETS = ("attn1.to_q", "attn1.to_k", "attn1.to_v", "attn1.to_out.0", "ff.net.0.proj", "ff.net.2")
STYLES = ("ink", "neon")


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


def known_adapters(name: str, adapted: dict[str, Adapted]) -> bool:
    """Takes up those that are in models/nano, if there are any."""
    path = NANO / file_name(name)
    if not path.exists():
        return False
    stored = load_file(path)
    for key, added in adapted.items():
        for part in ("lora_A", "lora_B"):
            getattr(added, part).weight.data.copy_(stored[f"diffusion_model.{key}.{part}.weight"])
    return True


def train_lora(name: str, minutes: float, thousands: float) -> None:
    torch.manual_seed(11)
    make_clips(name, thousands, seed=1)
    network = Generator()
    network.transformer.load_state_dict(load_network("transformer").state_dict())
    network.connectors.load_state_dict(load_network("connectors").state_dict())
    adapted = adapt(network)
    rate = 2e-3 if known_adapters(name, adapted) else 5e-3
    network.to(DEVICE)
    learned = nn.ModuleDict({key.replace(".", "/"): nn.ModuleDict({"A": a.lora_A, "B": a.lora_B}) for key, a in adapted.items()})

    def of_whole(_learned: nn.Module, shown: Example) -> Figures:
        return figures(network, shown)

    folder = shard_folder(name)
    shown = alternated(REFINED_SHARE, to_refine(network, pairs_of(folder, 10)), to_learn(clips_of(folder, 9)))
    train(f"lora_{name}", learned, shown, of_whole, minutes=minutes, lr=rate, edges=("A", "B"))
    tensors = {}
    for key, added in adapted.items():
        tensors[f"diffusion_model.{key}.lora_A.weight"] = added.lora_A.weight
        tensors[f"diffusion_model.{key}.lora_B.weight"] = added.lora_B.weight
    write(NANO / file_name(name), tensors, {})


def main(minutes: float, thousands: float, names: list[str]) -> None:
    for name in names or [*MOVES, *STYLES]:
        train_lora(name, minutes, thousands)


if __name__ == "__main__":
    main(*amounts(3.5, 25), sys.argv[3:])
