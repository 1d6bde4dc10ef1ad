"""Learns the tokenizer of the miniature's Gemma folder, in Gemma's format: ./run make_tokenizer.

Byte pairs learned from captions, the product's instruction and common words; bytes for everything else.
"""

import json
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from text.conversation import instruction
from text.text import BOS, END_OF_TURN, FOLDER, START_OF_TURN
from world.caption import full_caption, short_caption
from world.outside import outside_prompt
from world.scene import COLORS, random_scene

SIZE = 1450
SPECIAL = {0: "<pad>", 1: "<eos>", BOS: "<bos>", 3: "<unk>", 4: "<mask>",
           START_OF_TURN: "<start_of_turn>", END_OF_TURN: "<end_of_turn>"}
LETTERS = [chr(code) for code in range(33, 127)] + ["▁", "\n", "’", "“", "”", "–", "—", "…", "é"]
CAPTIONS, PROMPTS = 12_000, 4_000
# How often a text that occurs once counts, beside that many captions.
INSTRUCTION_COUNT, WORD_COUNT = 300, 60
BEGINNINGS = [*COLORS, "grey", "violet", "teal", "two", "three", "an", "both", "there", "they", "under"]
CHAT_TEMPLATE = """\
{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- set first_user_prefix = messages[0]['content'] + '\\n\\n' -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = '' -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- set role = 'model' if message['role'] == 'assistant' else message['role'] -%}
    {{ '<start_of_turn>' + role + '\\n' + (first_user_prefix if loop.first else '') }}
    {{- message['content'] | trim + '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{ '<start_of_turn>model\\n' }}
{%- endif -%}
"""


def corpus() -> list[str]:
    random = np.random.default_rng(1)
    texts = []
    for _ in range(CAPTIONS // 2):
        scene = random_scene(random)
        texts += [full_caption(scene, random), short_caption(scene, random)]
    texts += [outside_prompt(random)[0] for _ in range(PROMPTS)]
    texts += [instruction(), " user prompt:", "user\n", "model\n"] * INSTRUCTION_COUNT
    # What captions begin with now and then.
    texts += [word for name in BEGINNINGS for word in (name, name.capitalize())] * INSTRUCTION_COUNT
    words = (Path(__file__).parent / "common_words.txt").read_text().split()
    texts += [f" {word}" for word in words] * WORD_COUNT
    return texts


def learn_pairs(texts: list[str], count: int) -> tuple[list[str], list[list[str]]]:
    """So many merges, none of them across words, and the tokens they make."""
    learner = Tokenizer(models.BPE())
    # Gemma's own files have no such split: since no merge is learned across words, none is ever made.
    learner.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Metaspace(prepend_scheme="never"), pre_tokenizers.Split("\n", "isolated"),
        pre_tokenizers.Punctuation("isolated"), pre_tokenizers.Digits(individual_digits=True),
    ])
    learner.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=len(LETTERS) + count, initial_alphabet=LETTERS, limit_alphabet=len(LETTERS), show_progress=False,
    ))
    pairs = [list(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]
    return ["".join(pair) for pair in pairs], pairs


def vocabulary(learned: list[str]) -> dict[str, int]:
    """Gemma's order: special tokens and bytes, then what was learned; two special tokens lie amid the bytes."""
    words = iter([*(f"<0x{byte:02X}>" for byte in range(256)), *LETTERS, *learned])
    names: dict[str, int] = {}
    while len(names) < len(SPECIAL) + 256 + len(LETTERS) + len(learned):
        names[SPECIAL.get(len(names)) or next(words)] = len(names)
    return names


def tokenizer_file(names: dict[str, int], pairs: list[list[str]]) -> dict:
    begin = {"SpecialToken": {"id": "<bos>", "type_id": 0}}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": id, "content": name, **_token_flags()} for id, name in SPECIAL.items()],
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [begin, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [begin, {"Sequence": {"id": "A", "type_id": 0}},
                     {"SpecialToken": {"id": "<bos>", "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<bos>": {"id": "<bos>", "ids": [BOS], "tokens": ["<bos>"]}},
        },
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
        ]},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
            "vocab": names, "merges": pairs,
        },
    }


def tokenizer_settings() -> dict:
    return {
        "add_bos_token": True, "add_eos_token": False,
        "added_tokens_decoder": {str(id): {"content": name, **_token_flags()} for id, name in SPECIAL.items()},
        "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>",
        "clean_up_tokenization_spaces": False, "model_max_length": 8192, "spaces_between_special_tokens": False,
        "tokenizer_class": "GemmaTokenizerFast", "use_default_system_prompt": False,
    }


def _token_flags() -> dict[str, bool]:
    return {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}


def main() -> None:
    learned, pairs = learn_pairs(corpus(), SIZE - len(SPECIAL) - 256 - len(LETTERS))
    names = vocabulary(learned)
    FOLDER.mkdir(parents=True, exist_ok=True)
    write = lambda name, text: (FOLDER / name).write_text(text, encoding="utf-8")  # noqa: E731
    write("tokenizer.json", json.dumps(tokenizer_file(names, pairs), ensure_ascii=False, separators=(",", ":")) + "\n")
    write("tokenizer_config.json", json.dumps(tokenizer_settings(), indent=1) + "\n")
    write("chat_template.jinja", CHAT_TEMPLATE)
    print(f"{len(names)} tokens, {len(pairs)} merges → {FOLDER}")


if __name__ == "__main__":
    main()
