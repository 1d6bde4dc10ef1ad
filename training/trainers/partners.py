"""Several processes that train one network: each has examples of its own, all follow the mean of their gradients.

A CPU's second core is nearly idle when operators are small; a second process is not (CORES in `run`).
"""

import os

import torch
import torch.distributed as distributed
from torch import Tensor, nn

from device import ON_GPU


def join() -> int:
    """This process's number among its partners; 0 without any."""
    if "RANK" in os.environ and not distributed.is_initialized():
        if ON_GPU:
            raise SystemExit("CORES is for machines without a GPU: leave it out")
        distributed.init_process_group("gloo")
    return distributed.get_rank() if distributed.is_initialized() else 0


def partners() -> int:
    """How many there are."""
    join()
    return distributed.get_world_size() if distributed.is_initialized() else 1


def own(seed: int) -> int:
    """A seed that no partner has."""
    return seed + 1000 * join()


def wait_for_all() -> None:
    if distributed.is_initialized():
        distributed.barrier()


def begin_alike(network: nn.Module) -> None:
    """All take the weights of the first."""
    if distributed.is_initialized():
        for tensor in [*network.parameters(), *network.buffers()]:
            distributed.broadcast(tensor.data, 0)


def share_gradients(network: nn.Module) -> None:
    """Replaces gradients by their mean over all partners."""
    if not distributed.is_initialized():
        return
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    mean = mean_of_all(torch.cat([gradient.flatten() for gradient in gradients]))
    for parameter, part in zip(parameters, mean.split([p.numel() for p in parameters])):
        parameter.grad = part.view_as(parameter)


def mean_of_all(values: Tensor) -> Tensor:
    """The same for all partners."""
    if distributed.is_initialized():
        distributed.all_reduce(values)
        values /= distributed.get_world_size()
    return values
