"""Muon (Jordan et al. 2024): momentum whose matrix form is made orthogonal before each step.

Convolutions count as matrices [out, in·kernel]. Everything else (biases, tables, embeddings, the first and last layers)
is for AdamW.
"""

import torch
from torch import Tensor, nn

# The quintic's coefficients are the paper's: they drive all singular values near 1 in five rounds.
A, B, C = 3.4445, -4.7750, 2.0315


def orthogonal(matrices: Tensor, rounds: int = 5) -> Tensor:
    """[n, rows, columns] → nearly the closest matrices whose singular values are all 1."""
    x = matrices.bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    for _ in range(rounds):
        square = x @ x.mT
        x = A * x + (B * square + C * square @ square) @ x
    return (x.mT if tall else x).to(matrices.dtype)


class Muon(torch.optim.Optimizer):
    def __init__(self, parameters: list[nn.Parameter], lr: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # noqa: ARG002
        for group in self.param_groups:
            alike: dict[torch.Size, list[nn.Parameter]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike.setdefault(parameter.shape, []).append(parameter)
            for shape, parameters in alike.items():
                gradients = [parameter.grad for parameter in parameters]
                momenta = [self._momentum(parameter) for parameter in parameters]
                torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
                updates = torch._foreach_lerp(gradients, momenta, group["momentum"])
                steps = orthogonal(torch.stack([update.flatten(1) for update in updates]))
                scale = 0.2 * max(shape[0], shape[1:].numel()) ** 0.5  # the step's size per element is AdamW's
                steps = steps * (-scale * group["lr"])
                torch._foreach_add_(parameters, [step.view(shape) for step in steps])

    def _momentum(self, parameter: nn.Parameter) -> Tensor:
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        return state["momentum"]


class Optimizers:
    """Muon for the matrices inside a network, AdamW for the rest, under one learning rate."""

    def __init__(self, network: nn.Module, lr: float, edges: tuple[str, ...] = ()) -> None:
        """`edges`: name fragments of the matrices that are AdamW's too."""
        inner, rest = [], []
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                is_matrix = parameter.dim() >= 2 and not any(edge in name for edge in (*edges, "table", "registers"))
                (inner if is_matrix else rest).append(parameter)
        self.lr = lr
        place = next(network.parameters()).device
        self._on_gpu = place.type == "cuda"
        # Where a recorded step (recorded.py) reads it.
        self._rate = torch.tensor(lr, device=place)
        self.all: list[torch.optim.Optimizer] = []
        if rest:
            self.all.append(torch.optim.AdamW(rest, lr=lr, betas=(0.9, 0.95), weight_decay=0.0))
        if inner:
            self.all.append(Muon(inner, lr=lr))
        self._arrange()

    def _arrange(self) -> None:
        """For where the network is now; what was kept may be from elsewhere."""
        for optimizer in self.all:
            for group in optimizer.param_groups:
                group["lr"] = self._rate
                if isinstance(optimizer, torch.optim.AdamW):
                    group["foreach"] = group["capturable"] = self._on_gpu

    def set_rate(self, factor: float) -> None:
        """Scales the learning rate: warm-up and decay."""
        self._rate.fill_(self.lr * factor)

    def step(self) -> None:
        for optimizer in self.all:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict]:
        return [optimizer.state_dict() for optimizer in self.all]

    def load_state_dict(self, states: list[dict]) -> None:
        for optimizer, state in zip(self.all, states):
            optimizer.load_state_dict(state)
        self._arrange()
