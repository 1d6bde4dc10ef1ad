"""A contact sheet of the world, to look at: ./run look [picture.png]."""

import sys

import numpy as np
import torch
from PIL import Image

from world.canvas import STYLES
from world.caption import full_caption
from world.draw import draw
from world.scene import random_scene
from world.sound import analyze, synthesize, to_level

ROWS, FPS, FRAMES, HEIGHT, WIDTH = 9, 25.0, 33, 144, 192


def main(path: str) -> None:
    random = np.random.default_rng(1)
    rows = []
    for row in range(ROWS):
        scene = random_scene(random)
        sound = analyze(to_level(synthesize("music", FRAMES / FPS + 0.1, random)), FRAMES, FPS)
        frames = draw(scene, sound, FPS, HEIGHT, WIDTH, style=STYLES[row % len(STYLES)])
        rows.append(torch.cat(list(frames[::8]), 1))
        print(f"{row + 1} {full_caption(scene, random)}")
    Image.fromarray((torch.cat(rows) * 255).byte().numpy()).save(path)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "world.png")
