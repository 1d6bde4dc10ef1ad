"""Captions say what a scene shows, and nothing else: ./run test_captions."""

import numpy as np

from text.conversation import unlikely
from text.text import BOS, PAD, encode, load_tokenizer
from world.caption import full_caption, polished_caption, short_caption
from world.reading import facts, kept, mentions
from world.scene import random_scene


def test_captions_are_read_back_as_the_facts_of_their_scene() -> None:
    random = np.random.default_rng(3)
    for index in range(4000):
        scene = random_scene(random)
        if index % 5 == 0:
            scene = unlikely(scene, random)
        for caption in (full_caption(scene, random), polished_caption(scene, random)):
            assert mentions(caption) == facts(scene), caption
        short = short_caption(scene, random)
        right, said = kept(mentions(short), facts(scene))
        assert right == said, short


def test_prompts_are_padded_on_the_left_and_cut_on_the_right() -> None:
    ids, mask = encode(load_tokenizer(), [" the sea\n", "a red circle" * 9], 6)
    assert ids[0, :2].tolist() == [PAD, PAD] and ids[0, mask[0].bool()][0] == BOS and ids[1, 0] == BOS
    assert mask.sum(1).tolist() == [3, 6]


if __name__ == "__main__":
    test_captions_are_read_back_as_the_facts_of_their_scene()
    test_prompts_are_padded_on_the_left_and_cut_on_the_right()
    print("captions and prompts are as they should be")
