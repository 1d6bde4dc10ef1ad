"""One training loop for all networks: a time budget, a decaying learning rate, resumable, with logged curves."""

import csv
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

from checkpoint import RUNS, save_network
from trainers.muon import Optimizers
from trainers.partners import begin_alike, join, mean_of_all, own, share_gradients, wait_for_all
from trainers.recorded import Recorded

WARM_UP_STEPS = 50
# The kept weights are a running mean: a step's size is mostly noise, whichever way the gradient is. It reaches this far
# back only when there are as many steps; else the first weights would weigh most in a short training.
AVERAGE_DECAY = 0.995
KEEP_SECONDS = 60
LOG_STEPS = 20

NORM = "norm"  # of the gradient
# Loss first; the others are only logged.
Figures = dict[str, Tensor]


def train(
    name: str, network: nn.Module, batches: Iterator, figures: Callable[[nn.Module, object], Figures], *,
    minutes: float, lr: float, edges: tuple[str, ...] = (), save: Callable[[nn.Module], None] | None = None,
) -> bool:
    """Trains for so many minutes of this machine's time, counting those of earlier calls; call again to go on.

    `network` is to be on the device where it is trained, which need not be the GPU that there is. It ends with the
    averaged weights; `save` keeps them, by default under the training's name. Returns whether there was anything left to
    do: what builds on these weights has then to begin anew (`forget`).
    """
    RUNS.mkdir(parents=True, exist_ok=True)
    rank = join()
    kept, log = RUNS / f"{name}.state.pt", RUNS / f"{name}.csv"
    place = next(network.parameters()).device
    optimizers = Optimizers(network, lr, edges)
    average = deepcopy(network)
    seconds, step = 0.0, 0
    if kept.exists():
        state = torch.load(kept, map_location=place)
        network.load_state_dict(state["network"])
        optimizers.load_state_dict(state["optimizers"])
        average.load_state_dict(state["average"])
        seconds, step = state["seconds"], state["step"]
    elif rank == 0:
        log.unlink(missing_ok=True)
    begin_alike(network)
    torch.manual_seed(own(torch.initial_seed()))

    norms: list[Tensor] = []

    def look_at_norms() -> None:
        """Not in every step: a GPU would have to wait until its figures were read."""
        if norms and not torch.stack(norms).isfinite().all():
            raise SystemExit(f"{name} diverged before step {step}: what was kept last is from before; lower its learning rate")
        norms.clear()

    def keep() -> None:
        look_at_norms()
        if rank > 0:
            return
        state = {
            "network": network.state_dict(), "average": average.state_dict(), "optimizers": optimizers.state_dict(),
            "seconds": seconds, "step": step,
        }
        torch.save(state, kept.with_suffix(".new"))
        kept.with_suffix(".new").rename(kept)
        (save or (lambda trained: save_network(name, trained)))(average)

    if seconds >= 60 * minutes:
        network.load_state_dict(average.state_dict())
        return False
    network.train()
    means, latest = list(average.parameters()), list(network.parameters())
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]

    def learn(batch: object) -> Figures:
        values = figures(network, batch)
        next(iter(values.values())).backward()
        share_gradients(network)
        norm = nn.utils.clip_grad_norm_(learned, 1.0)
        optimizers.step()
        return {**{name: value.detach() for name, value in values.items()}, NORM: norm}

    take_step = Recorded(learn) if place.type == "cuda" else learn
    began, last_kept, window = time.monotonic() - seconds, seconds, []
    while seconds < 60 * minutes:
        optimizers.set_rate(min(1.0, (step + 1) / WARM_UP_STEPS) * max(0.02, 1 - seconds / (60 * minutes)))
        values = take_step(next(batches))
        seconds = float(mean_of_all(torch.tensor(time.monotonic() - began)))
        norms.append(values.pop(NORM))
        _approach(means, latest, step)
        step += 1
        window.append(values)
        if step % LOG_STEPS == 0:
            look_at_norms()
            if rank == 0:
                _report(name, step, seconds / 60, window)
            window = []
        if seconds - last_kept > KEEP_SECONDS:
            last_kept = seconds
            keep()
    network.load_state_dict(average.state_dict())
    keep()
    if rank == 0:
        draw_curves(name)
    wait_for_all()  # for the files of the first
    return True


def forget(name: str) -> None:
    """Lets a training begin anew, from the weights that its network is given."""
    (RUNS / f"{name}.state.pt").unlink(missing_ok=True)


@torch.no_grad()
def _approach(means: list[Tensor], latest: list[Tensor], step: int) -> None:
    decay = min(AVERAGE_DECAY, (1 + step) / (10 + step))
    torch._foreach_lerp_(means, latest, 1 - decay)


def _report(name: str, step: int, minutes: float, window: list[Figures]) -> None:
    row = {key: float(torch.stack([values[key] for values in window]).mean()) for key in window[0]}
    _append(RUNS / f"{name}.csv", {"step": step, "minutes": minutes, **row})
    shown = "  ".join(f"{key} {value:.4f}" for key, value in row.items())
    print(f"{name} {minutes:6.1f} min  step {step}  {shown}", flush=True)


def _append(path: Path, row: dict[str, float]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, row)
        if new:
            writer.writeheader()
        writer.writerow({key: f"{value:.6g}" for key, value in row.items()})


def draw_curves(name: str, width: int = 480, height: int = 200) -> None:
    """runs/NAME.csv → runs/NAME.png: one plot per logged figure over the steps."""
    log = RUNS / f"{name}.csv"
    if not log.exists():  # fewer steps than are logged together
        return
    with log.open() as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    if len(rows) < 2:
        return
    names = [key for key in rows[0] if key not in ("step", "minutes")]
    sheet = Image.new("RGB", (width, height * len(names)), "white")
    pen = ImageDraw.Draw(sheet)
    for index, key in enumerate(names):
        values = [row[key] for row in rows]
        low, high = min(values), max(values)
        top = index * height
        points = [
            (10 + (width - 20) * at / (len(values) - 1), top + height - 12 - (height - 40) * (v - low) / (high - low or 1))
            for at, v in enumerate(values)
        ]
        pen.line(points, fill=(30, 90, 200), width=2)
        pen.text((10, top + 4), f"{key}: {low:.4g} to {high:.4g}, last {values[-1]:.4g}, {rows[-1]['step']:.0f} steps", "black")
    sheet.save(RUNS / f"{name}.png")
