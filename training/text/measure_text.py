"""How well the language model expands prompts it has not learned from: ./run measure_text [count].

Greedy and as the product samples: the share of asked attributes that an answer keeps, and of answers that are whole,
well-formed captions of the world.
"""

import re
import sys

import numpy as np
import torch
from tokenizers import Tokenizer

from checkpoint import load_network
from text.conversation import question, reply_to, unlikely
from networks.gemma import Gemma
from text.text import END_OF_TURN, EOS, load_tokenizer, pad_left
from world.caption import full_caption, polished_caption, short_caption
from world.outside import outside_prompt
from world.reading import COLOR, kept, mentions
from world.scene import random_scene

TEMPERATURE, TOP_K, LONGEST = 0.7, 50, 120
NEEDED = {"speaker": {"person", "style", "shirt", "ground"}, "sea": {"water", "ground"}, "skyline": {"lights", "ground"},
          "shapes": {"things", "ground"}}


@torch.no_grad()
def answers(network: Gemma, tokenizer: Tokenizer, prompts: list[str], temperature: float) -> list[str]:
    memory = {}
    asked_ids = torch.tensor([tokenizer.encode(question(), add_special_tokens=False).ids])
    network(asked_ids, torch.ones_like(asked_ids), memory)
    ids, mask = pad_left([tokenizer.encode(reply_to(prompt), add_special_tokens=False).ids for prompt in prompts])
    mask = torch.cat([torch.ones(len(prompts), asked_ids.shape[1], dtype=torch.long), mask], 1)
    rows: list[list[int]] = [[] for _ in prompts]
    ended = torch.zeros(len(prompts), dtype=torch.bool)
    draws = torch.Generator().manual_seed(7)
    for _ in range(LONGEST):
        logits = network.logits(network(ids, mask, memory)[-1][:, -1])
        if temperature == 0:
            ids = logits.argmax(-1, keepdim=True)
        else:
            likeliest, places = (logits / temperature).topk(TOP_K)
            ids = places.gather(1, torch.multinomial(likeliest.softmax(-1), 1, generator=draws))
        ended |= (ids[:, 0] == END_OF_TURN) | (ids[:, 0] == EOS)
        if ended.all():
            break
        for row, id, over in zip(rows, ids[:, 0].tolist(), ended.tolist()):
            if not over:
                row.append(id)
        mask = torch.cat([mask, torch.ones_like(ids)], 1)
    return [tokenizer.decode(row) for row in rows]


def runs(text: str, length: int = 4) -> set[tuple[str, ...]]:
    """All runs of so many words and marks, colors aside (apart from whether they take "an")."""
    text = re.sub(rf"\b{COLOR}\b", lambda found: "oolor" if found[0] == "orange" else "color", text.lower())
    words = ["<"] + re.findall(r"[\w'-]+|[^\w\s]", text) + [">"]
    return {tuple(words[at:at + length]) for at in range(max(1, len(words) - length + 1))}


def known_runs(count: int = 12_000) -> set[tuple[str, ...]]:
    random = np.random.default_rng(11)
    known = set()
    for index in range(count):
        scene = random_scene(random)
        known |= runs(polished_caption(unlikely(scene, random) if index % 5 == 0 else scene, random))
    return known


def is_whole(answer: dict) -> bool:
    """Says all that a drawing shows."""
    kind = answer.get("kind")
    if kind is None or not NEEDED[kind] <= answer.keys():
        return False
    if kind == "speaker":
        return "hair" in answer or answer["style"] == "bald"
    return all(len(thing) == 3 for thing in answer.get("things", []))


def report(name: str, prompts: list[str], given: list[str], known: set, shown: int = 0) -> None:
    counts = [kept(mentions(prompt), mentions(answer)) for prompt, answer in zip(prompts, given)]
    right, wanted = (sum(column) for column in zip(*counts))
    well = [runs(answer) <= known and is_whole(mentions(answer)) for answer in given]
    all_kept = sum(got == of for got, of in counts) / len(counts)
    share, formed = right / max(wanted, 1), sum(well) / len(well)
    print(f"{name}: {share:.1%} of {wanted} attributes kept, all of them in {all_kept:.0%}; {formed:.0%} well-formed")
    for prompt, answer, (got, of), fine in list(zip(prompts, given, counts, well))[:shown]:
        print(f"  {got}/{of} {'' if fine else 'ILL '}{prompt} → {answer}")


def main(count: int) -> None:
    torch.set_num_threads(1)
    network, tokenizer = load_network("gemma"), load_tokenizer()
    random = np.random.default_rng(99)
    scenes = [random_scene(random) for _ in range(count)]
    sets = {
        "short": [short_caption(scene, random) for scene in scenes],
        "full": [full_caption(scene, random) for scene in scenes[: count // 2]],
        "unlikely": [short_caption(unlikely(scene, random), random) for scene in scenes[: count // 2]],
        "outside": [outside_prompt(random)[0] for _ in range(count // 2)],
    }
    known = known_runs()
    for name, prompts in sets.items():
        report(f"{name}, greedy", prompts, answers(network, tokenizer, prompts, 0), known, 12)
        report(f"{name}, sampled", prompts, answers(network, tokenizer, prompts, TEMPERATURE), known, 6)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
