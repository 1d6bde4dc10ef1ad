"""Everything in order, from nothing to the files in models/nano: python all.py [share of the usual time].

A trial run takes a small share, and keeps elsewhere what it makes (TRAINING_RUNS, TRAINING_OUTPUT).
"""

import subprocess
import sys
import time
from pathlib import Path

# Program and its arguments, in minutes (or thousands of tokens of clips) for the whole share.
STEPS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("make_tokenizer", ()),
    ("train_text", (20,)),
    ("train_video_vae", (40, 5)),
    ("train_audio_vae", (7,)),
    ("train_vocoder", (10,)),
    ("make_clips", (700,)),
    ("train_upsampler", (5,)),
    ("train_transformer", (110, 5)),
    ("checkpoint", ()),
    ("train_loras", (3.5, 8)),
)


def main(share: float) -> None:
    here = Path(__file__).parent
    for program, amounts in STEPS:
        began = time.monotonic()
        arguments = [str(amount * share) for amount in amounts]
        print(f"== {program} {' '.join(arguments)}", flush=True)
        subprocess.run([str(here / "run"), program, *arguments], check=True)
        print(f"== {program} took {(time.monotonic() - began) / 60:.1f} min", flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1)
