"""Trains the text encoder as a language model, on expansions of prompts and on captions: ./run train_text [minutes]."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

import configuration as c
from trainers.amounts import amounts
from checkpoint import load_network, weights_file
from text.conversation import asked, exchange, question, reply_to
from trainers.loop import Figures, train
from networks.gemma import Gemma
from trainers.partners import own
from text.text import BOS, END_OF_TURN, EOS, load_tokenizer, pad_left
from world.caption import full_caption
from world.reading import PEOPLE, VERBS
from world.scene import COLORS, HAIR, SHAPES

EXCHANGES, CAPTIONS = 48, 16
# What was asked for matters more than the wording of the rest, which is drawn at random and so mostly noise.
KEY_WORDS = {*COLORS, *HAIR, *SHAPES, *PEOPLE, "bald", "short", "long", "curly", "glasses", "beard"} | {
    word for motion in VERBS for word in motion.split()
} - {"and", "up"}
KEY_WEIGHT = 3.0
# Rows are drawn this many batches at a time and batched by length, so that little is padding.
POOL = 16

# Ids, which of them are read, and which are to be foretold [B, S]; whether a row goes on the question [B].
Batch = tuple[Tensor, Tensor, Tensor, Tensor]
Row = tuple[list[int], int, bool]


def exchange_row(tokenizer: Tokenizer, random: np.random.Generator) -> Row:
    """What follows the question, and how much of it is not the model's own."""
    prompt, answer = exchange(random)
    given = tokenizer.encode(reply_to(prompt), add_special_tokens=False).ids
    return given + tokenizer.encode(answer, add_special_tokens=False).ids + [END_OF_TURN], len(given), True


def caption_row(tokenizer: Tokenizer, random: np.random.Generator) -> Row:
    """What the encoder reads when it encodes a prompt, and an end, which shows that the last word was read too."""
    prompt, scene = asked(random)
    text = full_caption(scene, random) if random.random() < 0.4 else prompt
    return [*tokenizer.encode(text).ids, EOS], 1, False


def batches(tokenizer: Tokenizer, seed: int) -> Iterator[Batch]:
    random = np.random.default_rng(own(seed))

    def by_length(make: Callable[[Tokenizer, np.random.Generator], Row], count: int) -> list[Row]:
        return sorted((make(tokenizer, random) for _ in range(POOL * count)), key=lambda row: len(row[0]))

    while True:
        exchanges, captions = by_length(exchange_row, EXCHANGES), by_length(caption_row, CAPTIONS)
        for index in random.permutation(POOL):
            rows = exchanges[index * EXCHANGES:][:EXCHANGES] + captions[index * CAPTIONS:][:CAPTIONS]
            yield batch_of(rows)


def batch_of(rows: list[Row]) -> Batch:
    ids, mask = pad_left([ids for ids, _, _ in rows])
    wanted = mask.clone()
    for index, (row, given, _) in enumerate(rows):
        start = ids.shape[1] - len(row)
        wanted[index, :start + given] = 0
    return ids, mask, wanted.bool(), torch.tensor([asks for _, _, asks in rows])


def answer_states(network: Gemma, asked_ids: Tensor, ids: Tensor, mask: Tensor, asks: Tensor) -> Tensor:
    """The last hidden states [B, S, H] of rows that go on the question (read once for all), or stand alone."""
    memory = {}
    network(asked_ids, torch.ones_like(asked_ids), memory)
    before = asks.long()[:, None].expand(-1, asked_ids.shape[1])
    return network(ids, torch.cat([before, mask], 1), memory)[-1]


def learner(tokenizer: Tokenizer) -> Callable[[nn.Module, Batch], Figures]:
    asked_ids = torch.tensor([tokenizer.encode(question(), add_special_tokens=False).ids])
    weights = torch.ones(tokenizer.get_vocab_size())
    for word, id in tokenizer.get_vocab().items():
        if word.strip("▁").lower() in KEY_WORDS:
            weights[id] = KEY_WEIGHT

    def figures(network: nn.Module, batch: Batch) -> Figures:
        ids, mask, wanted, asks = batch
        # Attention written out: the fused one is slower for so few tokens.
        with torch.autocast("cpu", torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
            states = answer_states(network, asked_ids, ids, mask, asks)
            wanted = wanted[:, 1:]
            logits = network.logits(states[:, :-1][wanted])
        targets = ids[:, 1:][wanted]
        losses = F.cross_entropy(logits.float(), targets, reduction="none")
        of_answer = asks[:, None].expand_as(wanted)[wanted]
        weight = torch.where(of_answer, weights[targets], 1.0)
        right = (logits.argmax(-1) == targets).float()
        return {
            "loss": (weight * losses).sum() / weight.sum(),
            "answer": losses[of_answer].mean().detach(),
            "caption": losses[~of_answer].mean().detach(),
            "right": right[of_answer].mean(),
        }

    return figures


def main(minutes: float) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(1)
    tokenizer = load_tokenizer()
    assert tokenizer.get_vocab_size() == c.GEMMA["vocab_size"] and tokenizer.token_to_id("<bos>") == BOS
    known = weights_file("gemma").exists()
    network = load_network("gemma", rounded=False) if known else Gemma(c.GEMMA)
    rate = 1.2e-3 if known else 5e-3
    train("gemma", network, batches(tokenizer, seed=1), learner(tokenizer), minutes=minutes, lr=rate, edges=("embed_tokens",))


if __name__ == "__main__":
    main(*amounts(20))
