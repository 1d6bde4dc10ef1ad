"""Runs networks of the published reference, and whole clips made of them, for `compare.ts` and `clips.ts`.

Takes a JSON command per line on stdin and answers each with a JSON line on stdout. The reference's code is found on PYTHONPATH; the
networks are built and loaded by its own classes, but Gemma, which it takes from `transformers`.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from einops import rearrange
from ltx_core.components.diffusion_steps import EulerDiffusionStep
from ltx_core.loader.single_gpu_model_builder import SingleGPUModelBuilder
from ltx_core.model.audio_vae import model_configurator as audio
from ltx_core.model.audio_vae.ops import PerChannelStatistics
from ltx_core.model.transformer import model_configurator as transformer
from ltx_core.model.transformer.modality import Modality
from ltx_core.model.upsampler.model import upsample_video
from ltx_core.model.upsampler.model_configurator import LatentUpsamplerConfigurator
from ltx_core.model.video_vae import model_configurator as video
from ltx_core.text_encoders.gemma.embeddings_connector import (
    AudioEmbeddings1DConnectorConfigurator,
    Embeddings1DConnectorConfigurator,
)
from ltx_core.text_encoders.gemma.embeddings_processor import EmbeddingsProcessor
from ltx_core.text_encoders.gemma.encoders import encoder_configurator as text
from ltx_core.tiling import DimensionSizeConfig, TileSizeConfig
from ltx_core.types import SpatioTemporalScaleFactors
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import Gemma3TextConfig, Gemma3TextModel

Tensors = dict[str, Tensor]
Network = Callable[[Tensors], Tensors]


class Checkpoint:
    """Builds networks from the files of one set of weights."""

    def __init__(self, files: dict[str, str], dtype: torch.dtype) -> None:
        self.files, self.dtype = files, dtype

    def build(self, configurator: type, keys: object = None, file: str = "bundle") -> torch.nn.Module:
        builder = SingleGPUModelBuilder(configurator, self.files[file], model_sd_ops=keys)
        return builder.build(device=torch.device("cpu"), dtype=self.dtype).eval()

    def gemma(self) -> Gemma3TextModel:
        folder = Path(self.files["gemma"])
        config = Gemma3TextConfig(**json.loads((folder / "config.json").read_text())["text_config"])
        model = Gemma3TextModel(config)
        prefix = "language_model.model."
        state = load_file(folder / "model.safetensors")
        model.load_state_dict({key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)})
        return model.to(self.dtype).eval()


def transformer_model(c: Checkpoint) -> torch.nn.Module:
    return c.build(transformer.LTXModelConfigurator, transformer.LTXV_MODEL_COMFY_RENAMING_MAP)


def dit(c: Checkpoint) -> Network:
    model = transformer_model(c)

    def modality(i: Tensors, stream: str) -> Modality:
        return Modality(
            latent=i[f"{stream}_tokens"], sigma=i["sigma"], timesteps=i["sigma"][None],
            positions=i[f"{stream}_positions"].float(), context=i[f"{stream}_context"],
        )  # fmt: skip

    def run(i: Tensors) -> Tensors:
        velocities = model(modality(i, "video"), modality(i, "audio"), None)
        return dict(zip(("video.velocity", "audio.velocity"), velocities, strict=True))

    return run


def video_decoder(c: Checkpoint) -> Network:
    model = c.build(video.VideoDecoderConfigurator, video.VAE_DECODER_COMFY_KEYS_FILTER)
    return lambda i: {"video": model(i["latent"])}


def video_encoder(c: Checkpoint) -> Network:
    model = c.build(video.VideoEncoderConfigurator, video.VAE_ENCODER_COMFY_KEYS_FILTER)
    return lambda i: {"latent": model(i["video"])}


def upsampler(c: Checkpoint) -> Network:
    model = c.build(LatentUpsamplerConfigurator, file="upscaler")
    statistics = c.build(video.VideoEncoderConfigurator, video.VAE_ENCODER_COMFY_KEYS_FILTER)
    return lambda i: {"upsampled": upsample_video(i["latent"], statistics, model)}


def text_encoder(c: Checkpoint) -> Network:
    """Gemma over the prompt's rows alone, less than the published pipeline, which runs it over the padding too."""
    gemma = c.gemma()

    class Connectors:
        """The reference's own asks for the files of Gemma's picture processor, which nothing here needs."""

        @staticmethod
        def from_metadata(metadata: dict) -> EmbeddingsProcessor:
            return EmbeddingsProcessor(
                feature_extractor=text._create_feature_extractor(metadata["config"]["transformer"], gemma.config),
                video_connector=Embeddings1DConnectorConfigurator.from_metadata(metadata),
                audio_connector=AudioEmbeddings1DConnectorConfigurator.from_metadata(metadata),
            )

    processor = c.build(Connectors, text.EMBEDDINGS_PROCESSOR_KEY_OPS)

    def run(i: Tensors) -> Tensors:
        ids = i["ids"].long()[None]
        states = gemma(input_ids=ids, output_hidden_states=True).hidden_states
        padding = int(i["length"]) - ids.shape[1]
        padded = tuple(torch.nn.functional.pad(state, (0, 0, padding, 0)) for state in states)
        mask = torch.arange(int(i["length"]))[None] >= padding
        contexts = processor.process_hidden_states(padded, mask.long())
        return {"video": contexts.video_encoding, "audio": contexts.audio_encoding}

    return run


def with_own_statistics(configurator: type) -> type:
    """As many statistics as the latent has; the reference takes the width of the network, which is the same in the released one."""

    class Configurator:
        @staticmethod
        def from_metadata(metadata: dict) -> torch.nn.Module:
            model = configurator.from_metadata(metadata)
            channels = metadata["config"]["audio_vae"]["model"]["params"]["ddconfig"]["z_channels"]
            model.per_channel_statistics = PerChannelStatistics(latent_channels=16 * channels)
            return model

    return Configurator


def audio_encoder(c: Checkpoint) -> Network:
    model = c.build(with_own_statistics(audio.AudioEncoderConfigurator), audio.AUDIO_VAE_ENCODER_COMFY_KEYS_FILTER)
    return lambda i: {"latent": model(i["mel"])}


def audio_decoder(c: Checkpoint) -> Network:
    model = c.build(with_own_statistics(audio.AudioDecoderConfigurator), audio.AUDIO_VAE_DECODER_COMFY_KEYS_FILTER)
    return lambda i: {"mel": model(i["latent"])}


def vocoder(c: Checkpoint) -> Network:
    model = c.build(audio.VocoderConfigurator, audio.VOCODER_COMFY_KEYS_FILTER)
    return lambda i: {"waveform": model(i["mel"])}


def clip(c: Checkpoint) -> Network:
    """A clip to a recording that stays as it is: both stages of the distilled schedule, and the frames in tiles."""
    encode_text, upsample, model = text_encoder(c), upsampler(c), transformer_model(c)
    decoder = c.build(video.VideoDecoderConfigurator, video.VAE_DECODER_COMFY_KEYS_FILTER)

    def denoise(i: Tensors, stage: str, contexts: Tensors, initial: Tensor) -> Tensor:
        sigmas, noise = i[f"{stage}.sigmas"], i[f"{stage}.noise"]
        still = torch.zeros(1)
        x = noise * sigmas[0] + initial * (1 - sigmas[0])
        for step, sigma in enumerate(sigmas[:-1]):
            # When the 19B weights were released, the gate between the streams saw its own stream's noise; the code of today takes
            # the other's, which is why they are handed over crosswise.
            streams = [
                Modality(latent=latent, sigma=gate, timesteps=noisiness.expand(1, latent.shape[1]),
                         positions=i[f"{name}.positions"].float(), context=contexts[kind])
                for kind, name, latent, noisiness, gate in (
                    ("video", stage, x, sigma[None], still), ("audio", "audio", i["audio.tokens"], still, sigma[None]),
                )
            ]  # fmt: skip
            velocity, _ = model(*streams, None)
            x = EulerDiffusionStep().step(x, x - velocity * sigma, sigmas, step)
        return x

    def run(i: Tensors) -> Tensors:
        contexts = encode_text(i)
        latent = None
        for stage in ("first", "refinement"):
            frames, height, width = i[f"{stage}.size"].tolist()
            noise = i[f"{stage}.noise"]
            start = torch.zeros_like(noise)
            if latent is not None:
                start = rearrange(upsample({"latent": latent})["upsampled"], "b c f h w -> b (f h w) c")
            tokens = denoise(i, stage, contexts, start)
            latent = rearrange(tokens, "b (f h w) c -> b c f h w", f=frames, h=height, w=width)
        pixels, shared_pixels, length, shared = i["tiling"].tolist()
        tiling = TileSizeConfig.from_long_side(
            long_side=DimensionSizeConfig(pixels, shared_pixels), frames=DimensionSizeConfig(length, shared),
            height=32 * height, width=32 * width, scale_factors=SpatioTemporalScaleFactors.default(),
        )  # fmt: skip
        chunks = [(chunk * 255).to(torch.uint8) for chunk in decoder.decode_video(latent, tiling)]
        return {"frames": torch.cat(chunks)}

    return run


NETWORKS = (clip, dit, video_decoder, video_encoder, upsampler, text_encoder, audio_encoder, audio_decoder, vocoder)


class Worker:
    """Holds one network at a time, and what it is given."""

    def __init__(self) -> None:
        self.makers = {maker.__name__: maker for maker in NETWORKS}
        self.networks: dict[str, Network] = {}
        self.inputs: dict[str, Tensors] = {}

    def open(self, network: str, files: dict[str, str], inputs: str, types: list[str]) -> dict:
        given = load_file(inputs)
        for name in types:
            dtype = getattr(torch, name)
            self.networks[name] = self.makers[network](Checkpoint(files, dtype))
            # As in the published pipeline, places and noise levels stay what they are.
            self.inputs[name] = {
                key: value if not value.is_floating_point() or key.endswith(("sigma", "sigmas", "positions")) else value.to(dtype)
                for key, value in given.items()
            }
        return {}

    def run(self, dtype: str, outputs: str | None = None, times: int = 1) -> dict:
        started, began = time.process_time(), time.monotonic()
        for _ in range(times):
            made = self.networks[dtype](self.inputs[dtype])
        seconds, wall = (time.process_time() - started) / times, (time.monotonic() - began) / times
        if outputs is not None:
            kept = {key: value if value.dtype == torch.uint8 else value.float() for key, value in made.items()}
            save_file({key: value.contiguous() for key, value in kept.items()}, outputs)
        return {"seconds": seconds, "wall": wall}

    def answer(self, line: str) -> dict:
        command = json.loads(line)
        return getattr(self, command.pop("command"))(**command)


def main() -> None:
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.set_grad_enabled(False)
    worker = Worker()
    # Libraries print as they like; replies keep the real stdout to themselves.
    replies, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        print(json.dumps(worker.answer(line)), file=replies, flush=True)


if __name__ == "__main__":
    main()
