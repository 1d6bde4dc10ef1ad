"""Where networks are trained: on a GPU if there is one."""

import os

import torch

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
ON_GPU = DEVICE.type == "cuda"
# Processes that draw for one that trains. Beside a GPU all cores can draw, else they have the training to do too.
DRAWERS = max(1, (os.cpu_count() or 1) - 2) if ON_GPU else 1

if ON_GPU:
    # Ten bits of mantissa instead of 23 where nothing says bf16: the networks' weights are kept with seven.
    torch.set_float32_matmul_precision("high")
    # It plans anew for every length of a sequence, and ours has many.
    torch.backends.cuda.enable_cudnn_sdp(False)


def by_device(cpu: int, gpu: int) -> int:
    """For amounts of work that differ: what keeps a CPU busy for a second is nothing to a GPU."""
    return gpu if ON_GPU else cpu
