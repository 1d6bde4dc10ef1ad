"""Texts as the text encoder reads them: the tokenizer of the miniature's Gemma folder, and prompts as padded ids."""

import torch
from tokenizers import Tokenizer
from torch import Tensor

from checkpoint import NANO

PAD, EOS, BOS, UNK, MASK, START_OF_TURN, END_OF_TURN = 0, 1, 2, 3, 4, 105, 106
FOLDER = NANO / "gemma"


def load_tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(FOLDER / "tokenizer.json"))


def encode(tokenizer: Tokenizer, texts: list[str], length: int) -> tuple[Tensor, Tensor]:
    """Ids and mask [B, length] as the product's `encodePrompt`: stripped, begun with <bos>, cut on the right."""
    return pad_left([tokenizer.encode(text.strip()).ids[:length] for text in texts], length)


def pad_left(rows: list[list[int]], length: int | None = None) -> tuple[Tensor, Tensor]:
    """Ids and mask [B, length]; without a length, that of the longest row."""
    length = length or max(map(len, rows))
    ids = torch.full((len(rows), length), PAD)
    mask = torch.zeros(len(rows), length, dtype=torch.long)
    for index, row in enumerate(rows):
        if row:
            ids[index, -len(row):] = torch.tensor(row)
            mask[index, -len(row):] = 1
    return ids, mask
