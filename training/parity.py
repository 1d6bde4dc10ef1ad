"""Compares the networks with the recorded outputs of the published reference: ./run parity [folder]."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from networks.audio_vae import AudioVae, to_tokens
from networks.connectors import TextConnectors, normalize_states
from networks.gemma import Gemma
from networks.mel import log_mel
from networks.transformer import Stream, Transformer
from networks.upsampler import LatentUpsampler
from networks.video_vae import VideoVae
from networks.vocoder import Vocoder

Tensors = dict[str, Tensor]
# In the official files, and used by no network here.
UNUSED = ("per_channel_statistics.channel", "mean-of-stds", "blur_down")


class Networks:
    """All networks of one checkpoint, in float32."""

    def __init__(self, folder: Path) -> None:
        bundle = folder / "ltx-2-tiny.safetensors"
        upscaler = folder / "ltx-2-tiny-spatial-upscaler-x2.safetensors"
        config = configuration(bundle)
        text = json.loads((folder / "gemma/config.json").read_text())["text_config"]
        weights = widened(bundle)
        transformer = {"audio_in_channels": 128, **config["transformer"]}
        generator = below(weights, "model.diffusion_model.")
        connectors = {key: value for key, value in generator.items() if "embeddings_connector" in key}
        self.transformer = loaded(Transformer(transformer), {k: v for k, v in generator.items() if k not in connectors})
        self.text = loaded(
            TextConnectors(transformer, text["num_hidden_layers"] + 1),
            connectors | below(weights, "text_embedding_projection."),
        )
        self.gemma = loaded(Gemma(text), below(widened(folder / "gemma/model.safetensors"), "language_model.model."))
        self.video = loaded(VideoVae(config["vae"]), below(weights, "vae."))
        self.audio = loaded(AudioVae(config["audio_vae"]), below(weights, "audio_vae."))
        self.vocoder = loaded(Vocoder(config["vocoder"]), below(weights, "vocoder."))
        self.upsampler = loaded(LatentUpsampler(configuration(upscaler)), widened(upscaler))


def configuration(path: Path) -> dict:
    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["config"])


def widened(path: Path) -> Tensors:
    return {key: value.float() for key, value in load_file(path).items()}


def below(weights: Tensors, prefix: str) -> Tensors:
    return {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}


def loaded(network: nn.Module, state: Tensors) -> nn.Module:
    """Every key of the file has a place, and every place a key."""
    network.load_state_dict({key: value for key, value in state.items() if not any(name in key for name in UNUSED)})
    return network.eval()


def transformer(n: Networks, i: Tensors, _params: dict) -> Tensors:
    streams = (
        Stream(i[f"{s}_tokens"], i[f"{s}_timesteps"][..., 0], i[f"{s}_positions"], i[f"{s}_context"])
        for s in ("video", "audio")
    )
    return dict(zip(("video_velocity", "audio_velocity"), n.transformer(*streams)))


def decode_video(n: Networks, i: Tensors, params: dict) -> Tensors:
    frames, rows, columns = params.get("output_sample", [1, 1, 1])
    return {"video": n.video.decode(i["latent"])[:, :, ::frames, ::rows, ::columns]}


def upsample(n: Networks, i: Tensors, _params: dict) -> Tensors:
    statistics = n.video.per_channel_statistics
    return {"upsampled": statistics.normalize(n.upsampler(statistics.denormalize(i["latent"])))}


def features(n: Networks, i: Tensors, _params: dict) -> Tensors:
    states, mask = i["hidden_states"], i["mask"].long()
    padded = nn.functional.pad(states, (0, 0, mask.shape[1] - states.shape[1], 0))[:, None]
    return {"features": n.text.aggregate_embed(normalize_states(padded, mask))}


def connectors(n: Networks, i: Tensors, _params: dict) -> Tensors:
    mask = i["mask"].long()
    return {
        "video_context": n.text.video_embeddings_connector(i["features"], mask),
        "audio_context": n.text.audio_embeddings_connector(i["features"], mask),
    }


EVALUATORS: dict[str, Callable[[Networks, Tensors, dict], Tensors]] = {
    "dit": transformer,
    "gemma_hidden_states": lambda n, i, _: {
        "hidden_states": n.gemma(i["ids"].long(), i["mask"].long())[:, 0, -int(i["mask"].sum()) :]
    },
    "text_features": features,
    "connectors": connectors,
    "video_vae_encode": lambda n, i, _: {"latent": n.video.encode(i["video"])},
    "video_vae_decode": decode_video,
    "latent_upsample": upsample,
    "log_mel": lambda _n, i, _: {"mel": log_mel(i["waveform"])},
    "audio_vae_encode": lambda n, i, _: {
        "latent": n.audio.encode(i["mel"]).unflatten(2, (-1, 16)).transpose(1, 2)
    },
    "audio_vae_decode": lambda n, i, _: {"mel": n.audio.decode(to_tokens(i["latent"]))},
    "vocoder": lambda n, i, _: {"waveform": n.vocoder(i["mel"])},
}


def deviations(case: dict, recorded: Tensors, made: Tensors) -> list[str]:
    """What is outside the case's tolerance."""
    found = []
    for name, value in made.items():
        golden = recorded[case["outputs"][name]]
        limit = case["tolerance"].get("per_output", {}).get(name, case["tolerance"])
        if value.shape != golden.shape:
            found.append(f"{name} has shape {list(value.shape)}, not {list(golden.shape)}")
            continue
        largest = (value - golden).abs().max().item()
        relative = ((value - golden).norm() / golden.norm()).item()
        if not (largest <= limit["max_abs"] and relative <= limit["rel_l2"]):
            found.append(f"{name} is off by {largest:.2e}, relative {relative:.2e}")
    return found


def main(folder: Path) -> int:
    torch.set_grad_enabled(False)
    networks = Networks(folder / "checkpoint")
    recorded = load_file(folder / "cases.safetensors")
    passed = failed = 0
    for case in json.loads((folder / "manifest.json").read_text())["cases"]:
        evaluate = EVALUATORS.get(case["module"])
        # The other timestep variants are for inference; training knows one.
        if evaluate is None or case["params"].get("variant", "own") != "own":
            continue
        inputs = {name: recorded[key] for name, key in case["inputs"].items()}
        found = deviations(case, recorded, evaluate(networks, inputs, case["params"]))
        passed, failed = passed + (not found), failed + bool(found)
        print(case["name"], "; ".join(found) or "ok")
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    default = Path(__file__).parent.parent / "test/fixtures/parity"
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else default))
