"""Everything in order, from nothing to the files in models/nano: ./run all [share of the usual time].

A trial run takes a small share, and keeps elsewhere what it makes (TRAINING_RUNS, TRAINING_OUTPUT).
"""

import subprocess
import sys
import time
from pathlib import Path

from device import ON_GPU

# Program and its arguments for the whole share: minutes, or thousands of tokens of clips. What a CPU takes hours for, a GPU
# does in minutes; it gets several times as much. The small networks are trained on the CPU in any case. What is in quotes is
# the same for all shares.
Amounts = tuple[float | str, ...]
STEPS: tuple[tuple[str, Amounts, Amounts], ...] = (
    ("make_tokenizer", (), ()),
    ("train_text", (20,), (20,)),
    ("train_video_vae", (40, 5), (6, 1)),
    ("train_audio_vae", (7,), (7,)),
    ("train_vocoder", (10,), (10,)),
    ("make_clips", (700,), (9000,)),
    ("make_clips", (300, "2", "refined"), (4000, "2", "refined")),
    ("make_clips", (100, "3", "stills"), (1000, "3", "stills")),
    ("train_upsampler", (5,), (0.5,)),
    ("train_transformer", (100, 25), (9, 2)),
    ("checkpoint", (), ()),
    ("train_loras", (3.5, 25), (0.7, 50)),
)


def main(share: float) -> None:
    here = Path(__file__).parent
    for program, on_cpu, on_gpu in STEPS:
        began = time.monotonic()
        amounts = on_gpu if ON_GPU else on_cpu
        arguments = [amount if isinstance(amount, str) else str(amount * share) for amount in amounts]
        print(f"== {program} {' '.join(arguments)}", flush=True)
        subprocess.run([str(here / "run"), program, *arguments], check=True)
        print(f"== {program} took {(time.monotonic() - began) / 60:.1f} min", flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1)
