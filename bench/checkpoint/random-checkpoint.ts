import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TensorToWrite, writeSafetensors } from '../../src/graph/weights/safetensors-writer.ts';
import { philoxBlock } from '../../src/ltx2/sampling/noise.ts';
import { elementAt } from '../../src/shared/element-at.ts';
import {
  audioTokenWidth,
  audioVaeShapes,
  type CheckpointSizes,
  gemmaShapes,
  type Shapes,
  transformerShapes,
  upsamplerShapes,
  videoVaeShapes,
  vocoderShapes,
} from './checkpoint-shapes.ts';

/** The benchmark's fixed checkpoint: a quarter of the real widths, four blocks. */
export const benchmarkSizes: CheckpointSizes = {
  name: 'benchmark',
  layers: 4,
  heads: 8,
  headDim: 128,
  audioHeadDim: 64,
  latentChannels: 32,
  vaeBase: 32,
  audioLatentChannels: 2,
  audioVaeBase: 32,
  gemmaHidden: 384,
  gemmaLayers: 6,
  gemmaHeads: 4,
  gemmaKeyValueHeads: 2,
  gemmaHeadDim: 64,
  upsamplerChannels: 128,
  vocoderChannels: 256,
};

/** Narrow and deep, for what depends on the number of blocks. */
export const deepSizes: CheckpointSizes = {
  ...benchmarkSizes,
  name: 'deep',
  layers: 16,
  heads: 4,
  audioHeadDim: 32,
  vaeBase: 8,
};

/** Writes the checkpoint under `folder` unless it is there in these sizes; returns its folder, usable as `--model`. */
export async function randomCheckpoint(folder: string, sizes: CheckpointSizes): Promise<string> {
  const path = join(folder, sizes.name);
  const [complete, identity] = [join(path, 'complete'), JSON.stringify(sizes)];
  if ((await readFile(complete, 'utf8').catch(() => undefined)) === identity) return path;
  await mkdir(join(path, 'gemma'), { recursive: true });
  const base = await readTinyConfig();
  const config = await scaledConfig(sizes);
  await writeRandom(
    join(path, 'random.safetensors'),
    { ...transformerShapes(sizes), ...videoVaeShapes(sizes), ...audioVaeShapes(sizes), ...vocoderShapes(sizes) },
    config,
  );
  const upsampler = {
    ...base.upscaler,
    in_channels: sizes.latentChannels,
    mid_channels: sizes.upsamplerChannels,
    num_blocks_per_stage: 4,
  };
  await writeRandom(join(path, 'random-spatial-upscaler-x2.safetensors'), upsamplerShapes(sizes), upsampler);
  await writeGemma(join(path, 'gemma'), base.gemma, sizes);
  await writeFile(complete, identity);
  return path;
}

const fixture = join(import.meta.dirname, '../../test/fixtures/parity/checkpoint');

type Json = Record<string, unknown>;

interface TinyConfig {
  readonly bundle: Json & {
    readonly transformer: Json;
    readonly vae: Json;
    readonly audio_vae: { readonly model: { readonly params: Json & { readonly ddconfig: Json } } };
    readonly vocoder: Json;
  };
  readonly upscaler: Json;
  readonly gemma: GemmaConfig;
}

type GemmaConfig = Json & { readonly text_config: Json & { readonly vocab_size: number } };

/** The parity checkpoint's configurations, whose block lists and kernel sizes are those of the real model. */
async function readTinyConfig(): Promise<TinyConfig> {
  const config = async (file: string) => {
    const bytes = await readFile(join(fixture, file));
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE())));
    return JSON.parse(header.__metadata__.config);
  };
  return {
    bundle: await config('ltx-2-tiny.safetensors'),
    upscaler: await config('ltx-2-tiny-spatial-upscaler-x2.safetensors'),
    gemma: JSON.parse(await readFile(join(fixture, 'gemma/config.json'), 'utf8')),
  };
}

/** The bundle's configuration at other sizes. */
async function scaledConfig(sizes: CheckpointSizes): Promise<Json> {
  const { bundle: tiny } = await readTinyConfig();
  const audioWidth = audioTokenWidth(sizes);
  const { params } = tiny.audio_vae.model;
  const ddconfig = { ...params.ddconfig, ch: sizes.audioVaeBase, z_channels: sizes.audioLatentChannels };
  return {
    ...tiny,
    transformer: {
      ...tiny.transformer,
      num_layers: sizes.layers,
      num_attention_heads: sizes.heads,
      attention_head_dim: sizes.headDim,
      cross_attention_dim: sizes.heads * sizes.headDim,
      audio_num_attention_heads: sizes.heads,
      audio_attention_head_dim: sizes.audioHeadDim,
      audio_cross_attention_dim: sizes.heads * sizes.audioHeadDim,
      in_channels: sizes.latentChannels,
      out_channels: sizes.latentChannels,
      audio_in_channels: audioWidth,
      audio_out_channels: audioWidth,
      caption_channels: sizes.gemmaHidden,
      connector_num_attention_heads: sizes.gemmaHidden / 128,
      connector_attention_head_dim: 128,
    },
    vae: { ...tiny.vae, latent_channels: sizes.latentChannels, decoder_base_channels: sizes.vaeBase },
    audio_vae: { ...tiny.audio_vae, model: { ...tiny.audio_vae.model, params: { ...params, ddconfig } } },
    vocoder: { ...tiny.vocoder, upsample_initial_channel: sizes.vocoderChannels },
  };
}

async function writeGemma(folder: string, tiny: GemmaConfig, sizes: CheckpointSizes): Promise<void> {
  const vocabulary = tiny.text_config.vocab_size;
  const text = {
    ...tiny.text_config,
    hidden_size: sizes.gemmaHidden,
    num_hidden_layers: sizes.gemmaLayers,
    num_attention_heads: sizes.gemmaHeads,
    num_key_value_heads: sizes.gemmaKeyValueHeads,
    head_dim: sizes.gemmaHeadDim,
    intermediate_size: sizes.gemmaHidden * 4,
    query_pre_attn_scalar: sizes.gemmaHeadDim,
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...tiny, text_config: text }));
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    await copyFile(join(fixture, 'gemma', name), join(folder, name));
  await writeRandom(join(folder, 'model.safetensors'), gemmaShapes(sizes, vocabulary), undefined);
}

/** Writes bf16 weights of about the deviations that keep activations as they are. */
export async function writeRandom(path: string, shapes: Shapes, config: Json | undefined): Promise<void> {
  const tensors = Object.entries(shapes).map(
    ([name, shape], index): TensorToWrite => ({
      name,
      dtype: 'bfloat16',
      shape,
      bytes: () => randomValues(name, shape, index),
    }),
  );
  await writeSafetensors(path, tensors, config === undefined ? {} : { config: JSON.stringify(config) });
}

/** Uniform numbers in −1…1 that all tensors draw from, each at an offset of its own. */
const uniform = Float32Array.from({ length: 2 ** 20 }, (_, at) => elementAt(philoxBlock(at, 0, 7), 0) / 2 ** 31 - 1);

/** Weights of variance 1/fan-in, so that activations neither die nor explode; standard deviations 1, biases 0. */
function randomValues(name: string, shape: readonly number[], index: number): Uint8Array {
  const count = shape.reduce((product, length) => product * length, 1);
  const values = new Float32Array(count);
  const isNorm = shape.length === 1 && /norm.*weight$|std-of-means$/.test(name);
  if (isNorm) values.fill(name.includes('layernorm') ? 0 : 1);
  else if (shape.length > 1) {
    // Faint pictures, because full-scale noise would make the video encoder work many times as hard as pictures do.
    const scale = name.startsWith('vae.decoder.conv_out') ? 0.05 : 1;
    const deviation = scale * Math.sqrt(3 / shape.slice(1).reduce((product, length) => product * length, 1));
    for (let at = 0; at < count; at++)
      values[at] = elementAt(uniform, (at + index * 4099) % uniform.length) * deviation;
  }
  const words = new Uint32Array(values.buffer);
  const halves = new Uint16Array(count);
  for (let at = 0; at < count; at++) halves[at] = elementAt(words, at) >>> 16;
  return new Uint8Array(halves.buffer);
}
