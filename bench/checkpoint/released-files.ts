// The released 19B files as far as their headers, with holes for weights. A test compares names and shapes with published
// hashes. The bundle's configuration is published too. Inferred are the types, from the sizes of the files (that the tables are
// in float32 from that of the fp8 file), and the configurations of upscaler and text encoder, from code that reads them.

import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  audioVaeShapes,
  type CheckpointSizes,
  convolution,
  gemmaShapes,
  linear,
  norm,
  type Shapes,
  transformerShapes,
  upsamplerShapes,
  videoVaeShapes,
  vocoderShapes,
} from './checkpoint-shapes.ts';

/** LTX-2 19B and its text encoder, Gemma 3 12B. */
export const releasedSizes: CheckpointSizes = {
  name: 'released',
  layers: 48,
  heads: 32,
  headDim: 128,
  audioHeadDim: 64,
  latentChannels: 128,
  vaeBase: 128,
  audioLatentChannels: 8,
  audioVaeBase: 128,
  gemmaHidden: 3840,
  gemmaLayers: 48,
  gemmaHeads: 16,
  gemmaKeyValueHeads: 8,
  gemmaHeadDim: 256,
  upsamplerChannels: 1024,
  vocoderChannels: 1024,
};

export type BundlePrecision = 'bf16' | 'fp8';

export const releasedBundleName: Readonly<Record<BundlePrecision, string>> = {
  bf16: 'ltx-2-19b-distilled.safetensors',
  fp8: 'ltx-2-19b-distilled-fp8.safetensors',
};

export const releasedUpscalerName = 'ltx-2-spatial-upscaler-x2-1.0.safetensors';

export function releasedBundleShapes(): Shapes {
  return {
    ...transformerShapes(releasedSizes),
    ...videoVaeShapes(releasedSizes),
    'vae.per_channel_statistics.channel': [128],
    'vae.per_channel_statistics.mean-of-stds': [128],
    'vae.per_channel_statistics.mean-of-stds_over_std-of-means': [128],
    ...audioVaeShapes(releasedSizes),
    ...vocoderShapes(releasedSizes),
  };
}

export function releasedUpscalerShapes(): Shapes {
  return { ...upsamplerShapes(releasedSizes), 'upsampler.blur_down.kernel': [1, 1, 5, 5] };
}

/** Gemma with its eyes. */
export function releasedTextEncoderShapes(): Shapes {
  const root = 'vision_tower.vision_model.';
  const shapes: Shapes = {
    ...gemmaShapes(releasedSizes, 262_208),
    ...convolution(`${root}embeddings.patch_embedding`, 1152, 3, [14, 14]),
    [`${root}embeddings.position_embedding.weight`]: [4096, 1152],
    ...norm(`${root}post_layernorm`, 1152),
    'multi_modal_projector.mm_input_projection_weight': [1152, 3840],
    'multi_modal_projector.mm_soft_emb_norm.weight': [1152],
  };
  for (let layer = 0; layer < 27; layer++) {
    const at = `${root}encoder.layers.${layer}.`;
    for (const name of ['q_proj', 'k_proj', 'v_proj', 'out_proj'])
      Object.assign(shapes, linear(`${at}self_attn.${name}`, 1152, 1152));
    Object.assign(shapes, norm(`${at}layer_norm1`, 1152), norm(`${at}layer_norm2`, 1152));
    Object.assign(shapes, linear(`${at}mlp.fc1`, 4304, 1152), linear(`${at}mlp.fc2`, 1152, 4304));
  }
  return shapes;
}

/** Writes a bundle into `folder`; returns its path. */
export async function writeReleasedBundle(folder: string, precision: BundlePrecision): Promise<string> {
  const entries = Object.entries(releasedBundleShapes()).flatMap(([name, shape]): Entry[] => {
    if (name.includes('scale_shift_table')) return [{ name, dtype: 'F32', shape }];
    if (precision === 'bf16' || !isQuantized(name)) return [{ name, dtype: 'BF16', shape }];
    return [
      { name, dtype: 'F8_E4M3', shape },
      { name: `${name}_scale`, dtype: 'F32', shape: [] },
      { name: name.replace(/weight$/, 'input_scale'), dtype: 'F32', shape: [] },
    ];
  });
  const layers = entries.filter(({ dtype }) => dtype === 'F8_E4M3').map(({ name }) => name.replace(/\.weight$/, ''));
  const quantization = {
    format_version: '1.0',
    layers: Object.fromEntries(layers.map((layer) => [layer, { format: 'float8_e4m3fn' }])),
  };
  return await writeHoles(join(folder, releasedBundleName[precision]), entries, {
    license: 'LTX-2 Community License Agreement',
    encrypted_wandb_properties: 'none',
    config: JSON.stringify(await fixture('ltx-2-19b-config.json')),
    ...(precision === 'bf16' ? {} : { _quantization_metadata: JSON.stringify(quantization) }),
  });
}

/** The linear layers of all blocks but the first and the last five. */
function isQuantized(name: string): boolean {
  const parts = /\.transformer_blocks\.(\d+)\..*\.(?:to_q|to_k|to_v|to_out\.0|net\.0\.proj|net\.2)\.weight$/.exec(name);
  const block = Number(parts?.[1] ?? Number.NaN);
  return block >= 1 && block <= 42;
}

export async function writeReleasedUpscaler(folder: string): Promise<string> {
  return await writeHoles(join(folder, releasedUpscalerName), bfloat16(releasedUpscalerShapes()), {
    license: 'LTX-2 Community License Agreement',
    config: JSON.stringify({
      _class_name: 'LatentUpsampler',
      in_channels: 128,
      mid_channels: 1024,
      num_blocks_per_stage: 4,
      dims: 3,
      spatial_upsample: true,
      temporal_upsample: false,
      spatial_scale: 2.0,
      rational_resampler: true,
    }),
  });
}

/** Writes Gemma's five shards, their index and the configuration into `folder`; not the tokenizer. */
export async function writeReleasedTextEncoder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const shards = 5;
  const entries = bfloat16(releasedTextEncoderShapes());
  const shares = Array.from({ length: shards }, (_, shard) => {
    const share = entries.length / shards;
    return entries.slice(Math.round(share * shard), Math.round(share * (shard + 1)));
  });
  const weightMap: Record<string, string> = {};
  for (const [shard, share] of shares.entries()) {
    const file = `model-0000${shard + 1}-of-0000${shards}.safetensors`;
    await writeHoles(join(folder, file), share, { format: 'pt' });
    for (const { name } of share) weightMap[name] = file;
  }
  const index = { metadata: { total_size: 24_374_650_080 }, weight_map: weightMap };
  await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify(index));
  await writeFile(join(folder, 'config.json'), JSON.stringify(await fixture('gemma-3-12b-config.json')));
}

/** Two of the camera LoRAs, which differ in rank and in the layers of a block that they change. */
const cameraLoras = {
  'dolly-left': { rank: 32, layers: /^(?:attn[12]|ff)\./ },
  static: { rank: 128, layers: /^(?!audio_ff\.)/ },
} as const;

/** Writes a camera LoRA into `folder`; returns its path. */
export async function writeReleasedCameraLora(folder: string, move: keyof typeof cameraLoras): Promise<string> {
  const { rank, layers } = cameraLoras[move];
  const pairs: Shapes = {};
  for (const [name, [outputs = 0, inputs]] of Object.entries(releasedBundleShapes())) {
    const [, module, layer = ''] = /^model\.(diffusion_model\.transformer_blocks\.\d+\.(.+))\.weight$/.exec(name) ?? [];
    if (module === undefined || inputs === undefined || !layers.test(layer)) continue;
    pairs[`${module}.lora_A.weight`] = [rank, inputs];
    pairs[`${module}.lora_B.weight`] = [outputs, rank];
  }
  const path = join(folder, `ltx-2-19b-lora-camera-control-${move}.safetensors`);
  return await writeHoles(path, bfloat16(pairs), {});
}

interface Entry {
  readonly name: string;
  readonly dtype: keyof typeof bytesPerElement;
  readonly shape: readonly number[];
}

const bytesPerElement = { F32: 4, BF16: 2, F8_E4M3: 1 } as const;

function bfloat16(shapes: Shapes): Entry[] {
  return Object.entries(shapes).map(([name, shape]) => ({ name, dtype: 'BF16', shape }));
}

/** Writes a safetensors header and makes the file as long as it says; returns `path`. */
async function writeHoles(path: string, entries: readonly Entry[], metadata: Record<string, string>): Promise<string> {
  let end = 0;
  // Wide types first, as the safetensors library writes.
  const sorted = entries.toSorted((a, b) => bytesPerElement[b.dtype] - bytesPerElement[a.dtype]);
  const tensors = sorted.map(({ name, dtype, shape }) => {
    const start = end;
    end += shape.reduce((product, length) => product * length, bytesPerElement[dtype]);
    return [name, { dtype, shape, data_offsets: [start, end] }] as const;
  });
  const header = Buffer.from(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(tensors) }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  await using file = await open(path, 'w');
  await file.write(Buffer.concat([length, header]));
  await file.truncate(length.length + header.length + end);
  return path;
}

async function fixture(name: string): Promise<unknown> {
  return JSON.parse(await readFile(join(import.meta.dirname, '../../test/fixtures/released', name), 'utf8'));
}
