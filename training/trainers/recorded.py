"""Training steps on a GPU, recorded once for each shape of batch and then replayed.

A step of a network as small as ours is thousands of operators that take the CPU longer to start than the GPU to run.
A recording (CUDA graph) starts them all at once. What it records must not depend on the values of a batch, must not be
read by the CPU, and finds its tensors where they were.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from device import DEVICE

Values = dict[str, Tensor]
Step = Callable[[object], Values]


class Recorded:
    """Calls `step` with batches of nested tuples of tensors: as it is the first time that a shape comes, then recorded."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._seen: set[tuple] = set()
        self._recordings: dict[tuple, tuple[torch.cuda.CUDAGraph, list[Tensor], Values]] = {}
        self._pool = torch.cuda.graph_pool_handle()
        # Gradients are added up on the stream where their parameters were first used, which has to be the recorded one.
        self._stream = torch.cuda.Stream()
        self._stream.wait_stream(torch.cuda.current_stream())
        torch.cuda.set_stream(self._stream)

    def __call__(self, batch: object) -> Values:
        leaves, structure = tree_flatten(batch)
        shape = tuple(leaf if leaf is None else (leaf.shape, leaf.dtype) for leaf in leaves)
        if shape not in self._seen:
            self._seen.add(shape)
            moved = [leaf if leaf is None else leaf.to(DEVICE, non_blocking=True) for leaf in leaves]
            return self._step(tree_unflatten(moved, structure))
        if shape not in self._recordings:
            self._recordings[shape] = self._record(leaves, structure)
        graph, inputs, values = self._recordings[shape]
        for place, leaf in zip(inputs, (leaf for leaf in leaves if leaf is not None)):
            place.copy_(leaf, non_blocking=True)
        graph.replay()
        return {name: value.clone() for name, value in values.items()}

    def _record(self, leaves: list[Tensor | None], structure: object) -> tuple[torch.cuda.CUDAGraph, list[Tensor], Values]:
        inputs = [leaf if leaf is None else torch.empty_like(leaf, device=DEVICE) for leaf in leaves]
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
            values = self._step(tree_unflatten(inputs, structure))
        return graph, [place for place in inputs if place is not None], values
