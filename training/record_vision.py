"""Records what `transformers` makes of a picture with Gemma 3: ./run record_vision [folder] writes test/fixtures/vision anew.

A tiny checkpoint with random weights in bf16, and cases in the format of test/fixtures/parity, computed in float32 on the CPU. Its
tokenizer is that of test/fixtures/parity; three byte tokens that no text has stand for a picture's begin, end and parts.
"""

import json
import sys
from pathlib import Path

import numpy
import torch
import transformers
from safetensors.torch import save_file
from torch import Tensor
from transformers import AutoTokenizer, Gemma3Config, Gemma3ForConditionalGeneration, Gemma3Processor
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

FIXTURES = Path(__file__).parent.parent / "test/fixtures"
BEGIN, END, PART = 5, 6, 7
SIDE, TOKENS = 32, 16
# Layers of both kinds after each other; the picture is longer than the window, and the prompt than both.
TEXT = {
    "hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
    "intermediate_size": 16, "vocab_size": 640, "query_pre_attn_scalar": 16, "sliding_window": 12,
    "layer_types": ["full_attention", "sliding_attention", "full_attention"],
    "rope_parameters": {
        "full_attention": {"rope_type": "linear", "rope_theta": 1_000_000.0, "factor": 8.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 10_000.0},
    },
}
VISION = {
    "model_type": "siglip_vision_model", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 40, "image_size": SIDE, "patch_size": 4, "vision_use_head": False,
}
# In the manner of Gemma's own: system text in front of the first turn, "model" for the assistant, content in parts.
TEMPLATE = """{{ bos_token }}
{%- set system = messages[0]['content'] + '\\n\\n' if messages[0]['role'] == 'system' else '' -%}
{%- for message in messages if message['role'] != 'system' -%}
    {{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) + '\\n' }}
    {{- system if loop.first else '' }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- else -%}
        {%- for part in message['content'] -%}
            {{ '<start_of_image>' if part['type'] == 'image' else part['text'] | trim }}
        {%- endfor -%}
    {%- endif -%}
    {{ '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{ '<start_of_turn>model\\n' }}
{%- endif -%}
"""
CHATS = {
    "long": ("You describe what happens.\nWrite plainly.", "user prompt: the cat jumps. ", True),
    "short": ("Look.", " a dog,  barking\nloudly ", True),
    "without": ("Look.", "no picture at all", False),
}


def write_tokenizer(folder: Path) -> None:
    source = FIXTURES / "parity/checkpoint/gemma"
    tokenizer = json.loads((source / "tokenizer.json").read_text())
    settings = json.loads((source / "tokenizer_config.json").read_text())
    vocabulary = {number: token for token, number in tokenizer["model"]["vocab"].items()}
    for name, number, token in [
        ("boi_token", BEGIN, "<start_of_image>"), ("eoi_token", END, "<end_of_image>"), ("image_token", PART, "<image_soft_token>"),
    ]:
        vocabulary[number] = token
        added = {"content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        tokenizer["added_tokens"].append({"id": number, **added})
        settings["added_tokens_decoder"][str(number)] = added
        settings[name] = token
        settings.setdefault("extra_special_tokens", {})[name] = token
    tokenizer["added_tokens"].sort(key=lambda token: token["id"])
    tokenizer["model"]["vocab"] = {token: number for number, token in vocabulary.items()}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, separators=(",", ":")))
    (folder / "chat_template.jinja").write_text(TEMPLATE)


def random_model() -> Gemma3ForConditionalGeneration:
    config = Gemma3Config(
        text_config=TEXT, vision_config=VISION, mm_tokens_per_image=TOKENS,
        boi_token_index=BEGIN, eoi_token_index=END, image_token_index=PART, eos_token_id=[1, 106],
    )
    config._attn_implementation = "eager"
    model = Gemma3ForConditionalGeneration(config).eval()
    for parameter in model.parameters():
        # Large enough for errors to show, rounded to what the file holds.
        parameter.copy_((torch.randn_like(parameter) * 0.2).bfloat16())
    return model


def write_checkpoint(model: Gemma3ForConditionalGeneration, folder: Path) -> None:
    """In the layout of the published folder: text in one file, vision in the other."""
    renamed = {}
    for name, value in model.state_dict().items():
        name = name.removeprefix("model.").replace("language_model.", "language_model.model.")
        if name.startswith("vision_tower.") and not name.startswith("vision_tower.vision_model."):
            name = name.replace("vision_tower.", "vision_tower.vision_model.", 1)
        if not name.startswith("lm_head."):
            renamed[name] = value.bfloat16().contiguous()
    is_text = {name: name.startswith("language_model.") for name in renamed}
    files = {True: "model-00001-of-00002.safetensors", False: "model-00002-of-00002.safetensors"}
    for text, file in files.items():
        save_file({name: value for name, value in renamed.items() if is_text[name] == text}, folder / file, {"format": "pt"})
    index = {"weight_map": {name: files[text] for name, text in sorted(is_text.items())}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, separators=(",", ":")))
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3",
        "boi_token_index": BEGIN, "eoi_token_index": END, "image_token_index": PART,
        "eos_token_id": [1, 106], "mm_tokens_per_image": TOKENS, "text_config": TEXT, "vision_config": VISION,
    }, indent=1))


def picture(width: int, height: int) -> numpy.ndarray:
    """Waves, a checkerboard and noise: smooth parts, edges, and all 256 values."""
    y, x = numpy.mgrid[0:height, 0:width]
    noise = numpy.random.default_rng(width).integers(0, 256, (height, width))
    planes = [127.5 + 127.5 * numpy.sin(x / 5 + y / 9), ((x // 5 + y // 3) % 2) * 255, noise]
    return numpy.stack(planes, axis=-1).astype(numpy.uint8)


class Recording:
    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.cases: list[dict] = []

    def add(self, name: str, module: str, given: dict, made: dict, tolerance: tuple[float, float], params: dict | None = None) -> None:
        """What is given may be the key of a tensor of an earlier case."""

        def stored(values: dict) -> dict[str, str]:
            for key, value in values.items():
                if isinstance(value, Tensor):
                    self.tensors[f"{name}/{key}"] = value.clone().contiguous()
            return {key: f"{name}/{key}" if isinstance(value, Tensor) else value for key, value in values.items()}

        self.cases.append({
            "name": name, "module": module, "params": params or {}, "inputs": stored(given), "outputs": stored(made),
            "tolerance": {"max_abs": tolerance[0], "rel_l2": tolerance[1]},
            "source": f"transformers {transformers.__version__}, torch {torch.__version__}",
        })


def record(model: Gemma3ForConditionalGeneration, processor: Gemma3Processor) -> Recording:
    made = Recording()
    pictures = {f"{width}x{height}": picture(width, height) for width, height in [(71, 45), (20, 24), (32, 70)]}
    pixels = {}
    for size, rgb in pictures.items():
        pixels[size] = processor.image_processor(rgb, return_tensors="pt")["pixel_values"]
        made.add(f"pixels_{size}", "picture_pixels", {"picture": torch.from_numpy(rgb)}, {"pixels": pixels[size]}, (1e-6, 1e-6))
    features = model.model.get_image_features(pixels["71x45"]).pooler_output[0]
    made.add("features", "picture_features", {"pixels": "pixels_71x45/pixels"}, {"features": features}, (2e-5, 2e-6))
    for name, (system, user, with_picture) in CHATS.items():
        content = [{"type": "image"}, {"type": "text", "text": user}] if with_picture else user
        messages = [{"role": "system", "content": system}, {"role": "user", "content": content}]
        text = processor.apply_chat_template(messages, add_generation_prompt=True)
        images = pictures["71x45"] if with_picture else None
        inputs = processor(text=text, images=images, return_tensors="pt", add_special_tokens=False)
        params = {"system": system, "user": user, "picture": with_picture}
        made.add(f"chat_{name}", "picture_chat", {}, {"ids": inputs["input_ids"].int()}, (0, 0), params)
        if not with_picture:
            continue
        # The prompt at once, then a few tokens more with what was kept of it.
        following = torch.tensor([[300, 41, 7]])
        logits = []
        answer = model(**{key: value for key, value in inputs.items() if key != "num_crops"}, use_cache=True)
        for index in range(following.shape[1] + 1):
            logits.append(answer.logits[0, -1])
            if index < following.shape[1]:
                answer = model(input_ids=following[:, index : index + 1], cache=answer.cache, use_cache=True)
        given = {"ids": f"chat_{name}/ids", "following": following.int(), "pixels": "pixels_71x45/pixels"}
        made.add(f"logits_{name}", "picture_logits", given, {"logits": torch.stack(logits)}, (5e-5, 5e-6))
    return made


def main(folder: Path) -> None:
    torch.set_grad_enabled(False)
    torch.manual_seed(15)
    checkpoint = folder / "checkpoint/gemma"
    checkpoint.mkdir(parents=True, exist_ok=True)
    write_tokenizer(checkpoint)
    model = random_model()
    write_checkpoint(model, checkpoint)
    size = {"height": SIDE, "width": SIDE}
    (checkpoint / "preprocessor_config.json").write_text(json.dumps({
        "do_convert_rgb": None, "do_normalize": True, "do_pan_and_scan": None, "do_rescale": True, "do_resize": True,
        "image_mean": [0.5, 0.5, 0.5], "image_processor_type": "Gemma3ImageProcessor", "image_seq_length": TOKENS,
        "image_std": [0.5, 0.5, 0.5], "processor_class": "Gemma3Processor", "resample": 2,
        "rescale_factor": 1 / 255, "size": size,
    }, indent=1))
    processor = Gemma3Processor(
        Gemma3ImageProcessorPil(size=size), AutoTokenizer.from_pretrained(checkpoint), TEMPLATE, image_seq_length=TOKENS
    )
    made = record(model, processor)
    save_file(made.tensors, folder / "cases.safetensors")
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "cases": made.cases}, indent=1))
    print(f"{len(made.cases)} cases in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FIXTURES / "vision")
