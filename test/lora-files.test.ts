import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bytesPerElement, type ElementType } from '../src/graph/element-type.ts';
import { graphTargets } from '../src/graph/graph-target.ts';
import { networkGraph } from '../src/graph/network.ts';
import { joinCheckpoints } from '../src/graph/weights/checkpoint.ts';
import { readSafetensorsHeader } from '../src/graph/weights/safetensors.ts';
import { writeSafetensors } from '../src/graph/weights/safetensors-writer.ts';
import { readStoredFloats } from '../src/graph/weights/stored-tensor-values.ts';
import { adaptableModules } from '../src/ltx2/adaptable-modules.ts';
import { mappedAdapters } from '../src/ltx2/lora/adapters.ts';
import { readLora, requireUsable } from '../src/ltx2/lora/lora.ts';
import { seededNormals } from '../src/ltx2/sampling/noise.ts';
import { audioPositions, videoPositions } from '../src/ltx2/sampling/positions.ts';
import { textContext } from '../src/ltx2/text/context/text-context.ts';
import { openTextEncoder } from '../src/ltx2/text/gemma/gemma-folder.ts';
import { transformer, transformerConfigOf } from '../src/ltx2/transformer/transformer.ts';
import { resolveWeights } from '../src/models/resolve-weights.ts';
import { LoadedModel } from '../src/pipeline/engine/loaded-model.ts';

// The ink style of the miniature as other trainers and exporters would have written it, and broken in the ways in which
// files are. What each must do is said beside it.

interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
  readonly dtype: ElementType;
}
type File = Readonly<Record<string, Tensor>>;

const ink = join(import.meta.dirname, '../models/nano/loras/nano-style-ink.safetensors');
const prefix = 'diffusion_model.';
const rank = 8;
const [down, up] = ['.lora_A.weight', '.lora_B.weight'];

let folder: string;
let base: File;
let modules: readonly string[];
let model: LoadedModel;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-lora-files-'));
  const { tensors } = await readSafetensorsHeader(ink);
  const entries: [string, Tensor][] = [];
  for (const [name, stored] of tensors) {
    entries.push([name, { shape: stored.shape, values: await readStoredFloats(stored), dtype: stored.dtype }]);
  }
  base = Object.fromEntries(entries);
  modules = [...new Set(Object.keys(base).map((key) => key.split('.lora_')[0] as string))];
  model = await LoadedModel.open({ weights: await resolveWeights('nano'), device: 'cpu' });
});
afterAll(async () => {
  await model[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function write(name: string, file: File, metadata?: Record<string, string>): Promise<string> {
  const path = join(folder, `${name}.safetensors`);
  const tensors = Object.entries(file).map(([key, { shape, values, dtype }]) => ({
    name: key,
    shape,
    dtype,
    bytes: () => stored(values, dtype),
  }));
  await writeSafetensors(path, tensors, metadata);
  return path;
}

/** Values in the type they are stored in, each rounded to the nearest. */
function stored(values: Float32Array, dtype: ElementType): Uint8Array {
  const size = bytesPerElement(dtype);
  const view = new DataView(new ArrayBuffer(values.length * size));
  const put: Partial<Record<ElementType, (at: number, value: number) => void>> = {
    float64: (at, value) => view.setFloat64(at, value, true),
    float32: (at, value) => view.setFloat32(at, value, true),
    float16: (at, value) => view.setFloat16(at, value, true),
    bfloat16: (at, value) => view.setUint16(at, (float32Bits(value) + 0x8000) >>> 16, true),
    float8e5m2: (at, value) => view.setUint8(at, (float16Bits(value) + 0x80) >>> 8),
    float8e4m3: (at, value) => view.setUint8(at, nearestFloat8e4m3(value)),
    int64: (at, value) => view.setBigInt64(at, BigInt(value), true),
    int16: (at, value) => view.setInt16(at, value, true),
    int8: (at, value) => view.setInt8(at, value),
  };
  for (const [index, value] of values.entries()) put[dtype]?.(index * size, value);
  return new Uint8Array(view.buffer);
}

const scratch = new DataView(new ArrayBuffer(4));
function float32Bits(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}
function float16Bits(value: number): number {
  scratch.setFloat16(0, value);
  return scratch.getUint16(0);
}
function nearestFloat8e4m3(value: number): number {
  const size = Math.min(448, Math.abs(value));
  const exponent = Math.max(-6, Math.floor(Math.log2(size || 1e-9)));
  const steps = Math.round((size / 2 ** exponent) * 8);
  const code = exponent === -6 && steps < 8 ? steps : (exponent + 7) * 8 + (steps - 8);
  return code | (value < 0 ? 0x80 : 0);
}

// How files differ from the ink style.

const vector = (
  values: readonly number[] | Float32Array,
  shape: readonly number[],
  dtype: ElementType = 'float32',
) => ({
  shape,
  values: Float32Array.from(values),
  dtype,
});
const zeros = (...shape: number[]): Tensor =>
  vector(new Float32Array(shape.reduce((product, length) => product * length, 1)), shape);
const filled = (value: number, ...shape: number[]): Tensor => ({
  ...zeros(...shape),
  values: zeros(...shape).values.fill(value),
});
const inType = (dtype: ElementType): File =>
  Object.fromEntries(Object.entries(base).map(([key, tensor]) => [key, { ...tensor, dtype }]));
const renamed = (rename: (key: string) => string, file: File = base): File =>
  Object.fromEntries(Object.entries(file).map(([key, tensor]) => [rename(key), tensor]));
const prefixed = (other: string): File => renamed((key) => other + key.slice(prefix.length));
const tensorOf = (module: string, side: string): Tensor => {
  const tensor = base[module + side];
  if (tensor === undefined) throw new Error(`no ${module}${side}`);
  return tensor;
};
const kohya = (alpha: Tensor, name = (module: string) => module): File =>
  Object.fromEntries(
    modules.flatMap((module) => [
      [`${name(module)}.lora_down.weight`, tensorOf(module, down)],
      [`${name(module)}.lora_up.weight`, tensorOf(module, up)],
      [`${name(module)}.alpha`, alpha],
    ]),
  );
const underscored = (module: string): string => module.slice(prefix.length).replaceAll('.', '_');
const without = (gone: string): File => Object.fromEntries(Object.entries(base).filter(([key]) => key !== gone));
const pair = (module: string, outputs: number, inputs: number, strength: number): File => ({
  [`${module}${down}`]: vector(
    seededNormals(7, 1, 4 * inputs).map((value) => value * strength),
    [4, inputs],
  ),
  [`${module}${up}`]: vector(
    seededNormals(7, 2, outputs * 4).map((value) => value * strength),
    [outputs, 4],
  ),
});
const first = (): string => modules[0] as string;

/** What the transformer makes of a file: its velocity at one step, and of no file at all. */
async function velocity(path?: string, scale = 1): Promise<Float32Array> {
  await model.useLoras(path === undefined ? [] : [{ path, scale, field: 'loras.0.path' }]);
  const [text] = await model.encodePrompts(['a woman talks']);
  if (text === undefined) throw new Error('no contexts');
  const size = { frames: 2, height: 4, width: 4 };
  const [tokens, sounds] = [32, 12];
  const transformer = await model.transformer();
  const stage = transformer.prepareStage(videoPositions(size, 24), audioPositions(sounds), text);
  const stream = (count: number, channels: number, timestep: number, index: number) => ({
    tokens: seededNormals(5, index, count * channels),
    timesteps: new Float32Array(count).fill(timestep),
  });
  const { in_channels, audio_in_channels } = transformer.config;
  const sound = stream(sounds, audio_in_channels, 0, 1);
  return (await transformer.evaluate(stage, stream(tokens, in_channels, 0.9, 0), sound)).video;
}

/** Relative L2. */
function distance(a: Float32Array, b: Float32Array): number {
  const difference = a.reduce((sum, value, at) => sum + (value - (b[at] as number)) ** 2, 0);
  return Math.sqrt(difference / b.reduce((sum, value) => sum + value ** 2, 0));
}

/** Files, how far they may be from what they mean as a share of the style's own effect, and the style's strength. */
const meantAsInk: readonly (readonly [name: string, file: () => File, options?: MeantAs])[] = [
  ['base', () => base],
  ['dt_F64', () => inType('float64')],
  ['dt_F32', () => inType('float32')],
  ['dt_F16', () => inType('float16'), { within: 0.01 }],
  ['dt_F8_E4M3', () => inType('float8e4m3'), { within: 0.15 }],
  ['dt_F8_E5M2', () => inType('float8e5m2'), { within: 0.25 }],
  ['bare', () => prefixed('')],
  ['diffusers', () => prefixed('transformer.')],
  ['model_dm', () => renamed((key) => `model.${key}`)],
  ['peft', () => prefixed('base_model.model.')],
  ['peft_dm', () => renamed((key) => `base_model.model.${key}`)],
  ['a prefix that nobody knows', () => prefixed('my_trainer.network.')],
  ["a model's name with a number for a prefix", () => kohya(filled(8), (module) => `lora_ltx2_${underscored(module)}`)],
  ['default', () => renamed((key) => key.replace('.weight', '.default.weight'))],
  ['default_0', () => renamed((key) => key.replace('.weight', '.default_0.weight'))],
  ['diffsynth', () => renamed((key) => key.replace('.weight', '.default.weight'), prefixed(''))],
  ['no .weight', () => renamed((key) => key.replace('.weight', ''))],
  ['lora_dot', () => renamed((key) => key.replace('lora_A', 'lora.down').replace('lora_B', 'lora.up'))],
  [
    'attention processors of old',
    () => renamed((key) => key.replace('.lora_A', '_lora.down').replace('.lora_B', '_lora.up')),
  ],
  [
    'lora_linear',
    () => renamed((key) => key.replace('lora_A', 'lora_linear_layer.down').replace('lora_B', 'lora_linear_layer.up')),
  ],
  ['k_underscored', () => kohya(filled(8), (module) => `lora_transformer_${underscored(module)}`)],
  ['musubi', () => kohya(filled(8), (module) => `lora_unet_model_${underscored(module)}`)],
  ['lycoris', () => kohya(filled(8), (module) => `lycoris_${underscored(module)}`)],
  ['underscores without a prefix', () => kohya(filled(8), underscored)],
  [
    'conv4d',
    () => Object.fromEntries(Object.entries(base).map(([key, t]) => [key, { ...t, shape: [...t.shape, 1, 1] }])),
  ],
  ['ranks', rankAdded],
  ['ssmeta', () => base, { metadata: { ss_network_dim: '8', ss_network_alpha: '4' } }],
  ['rslora with alpha √rank', () => base, { metadata: settings({ r: 8, lora_alpha: Math.sqrt(8), use_rslora: true }) }],
  ['half', () => inHalf(base), { strength: 0.5 }],
  ['k_half', () => kohya(filled(4)), { strength: 0.5 }],
  ['k_half_f16', () => kohya({ ...filled(4), dtype: 'float16' }), { strength: 0.5 }],
  ['k_half_bf16', () => kohya({ ...filled(4), dtype: 'bfloat16' }), { strength: 0.5 }],
  ['k_half_1d', () => kohya(filled(4, 1)), { strength: 0.5 }],
  ['k_half_i8', () => kohya({ ...filled(4), dtype: 'int8' }), { strength: 0.5 }],
  ['k_half_i16', () => kohya({ ...filled(4), dtype: 'int16' }), { strength: 0.5 }],
  ['k_half_i64', () => kohya({ ...filled(4), dtype: 'int64' }), { strength: 0.5 }],
  [
    'meta_half',
    () => prefixed('transformer.'),
    { strength: 0.5, metadata: settings({ 'transformer.r': 8, 'transformer.lora_alpha': 4 }) },
  ],
  ['meta_st', () => base, { strength: 0.5, metadata: { 'transformer.lora_alpha': '4', 'transformer.r': '8' } }],
  ['meta_plain', () => base, { strength: 0.5, metadata: { lora_alpha: '4', r: '8' } }],
  ['meta_na', () => base, { strength: 0.5, metadata: { network_alpha: '4', rank: '8' } }],
  ['meta_alpha2', () => base, { strength: 0.5, metadata: settings({ r: 8, lora_alpha: 4 }) }],
  [
    'settings of each part in one object',
    () => prefixed('transformer.'),
    {
      strength: 0.5,
      metadata: settings({ transformer: { r: 8, lora_alpha: 4 }, text_encoder: { r: 8, lora_alpha: 64 } }),
    },
  ],
  [
    'keys with the prefix of PEFT',
    () => base,
    { strength: 0.5, metadata: { 'base_model.model.lora_alpha': '4', 'base_model.model.r': '8' } },
  ],
  ['a rank in words, and no alpha', () => base, { metadata: { rank: 'dynamic' } }],
  ['settings that are not set', () => base, { metadata: { lora_alpha: '', r: 'None', lora_adapter_metadata: 'null' } }],
  [
    'an alpha tensor before the header',
    () => kohya(filled(4)),
    { strength: 0.5, metadata: settings({ r: 8, lora_alpha: 8 }) },
  ],
  [
    'patterns',
    () => base,
    {
      strength: 0.5,
      metadata: settings({
        r: 8,
        lora_alpha: 8,
        rank_pattern: { 'transformer_blocks.0.attn1.to_q': 16 },
        alpha_pattern: everyModule(),
      }),
    },
  ],
  [
    'rslora',
    () => base,
    { strength: 1 / Math.sqrt(8) / 8, metadata: settings({ r: 64, lora_alpha: 1 / Math.sqrt(8), use_rslora: true }) },
  ],
  ['rslora as a number', () => base, { strength: 1 / Math.sqrt(8), metadata: { lora_alpha: '1', use_rslora: '1' } }],
  ['k_zero', () => kohya(filled(0)), { strength: 0 }],
  ['zero bias', () => ({ ...base, [`${first()}.lora_B.bias`]: zeros(outputsOf(first())) })],
  [
    'diffb',
    () => ({
      ...base,
      [`${first()}.diff_b`]: zeros(192),
      [`${prefix}transformer_blocks.0.attn1.q_norm.diff`]: zeros(192),
    }),
  ],
  ['connector of zeros', () => ({ ...base, ...pair(connector, 128, 128, 0) })],
  ['textproj of zeros', () => ({ ...base, ...pair(projection, 128, 896, 0) })],
];

interface MeantAs {
  readonly within?: number;
  readonly strength?: number;
  readonly metadata?: Record<string, string>;
}

const connector = `${prefix}video_embeddings_connector.transformer_1d_blocks.0.attn1.to_q`;
const projection = 'text_embedding_projection.aggregate_embed';
function settings(values: Record<string, unknown>): Record<string, string> {
  return { format: 'pt', lora_adapter_metadata: JSON.stringify(values) };
}
function everyModule(): Record<string, number> {
  return { '^transformer_blocks\\.0\\.attn1\\.to_q$': 8, '.*': 4 };
}
function outputsOf(module: string): number {
  return tensorOf(module, up).shape[0] as number;
}
function inHalf(file: File): File {
  return Object.fromEntries(
    Object.entries(file).map(([key, tensor]) => [
      key,
      key.endsWith(up) ? { ...tensor, dtype: 'float32', values: tensor.values.map((value) => value / 2) } : tensor,
    ]),
  );
}
/** Ranks that differ from module to module: rows and columns of zeros are added to some. */
function rankAdded(): File {
  return Object.fromEntries(
    Object.entries(base).map(([key, tensor]) => {
      const module = modules.findIndex((name) => key.startsWith(`${name}.lora`));
      const more = module % 4;
      const [rows = 0, columns = 0] = tensor.shape;
      if (key.endsWith(down)) {
        const values = new Float32Array((rows + more) * columns);
        values.set(tensor.values);
        return [key, { ...tensor, shape: [rows + more, columns], values }];
      }
      const values = new Float32Array(rows * (columns + more));
      for (let row = 0; row < rows; row++) {
        values.set(tensor.values.subarray(row * columns, (row + 1) * columns), row * (columns + more));
      }
      return [key, { ...tensor, shape: [rows, columns + more], values }];
    }),
  );
}

/** What a file adds to the output of each module of the style for one random input: `scale·B·A·x`, one after another. */
async function branchOutputs(path: string): Promise<Float32Array> {
  const lora = await readLora(path, adaptableModules(model.bundle));
  expect(lora.problem).toBeUndefined();
  const outputs: number[] = [];
  for (const module of modules) {
    const change = lora.changes.get(module.slice(prefix.length))?.weight;
    if (change?.kind !== 'low rank') throw new Error(`${path} does not change ${module}`);
    const x = seededNormals(3, 0, change.a.shape[1] as number);
    const inner = timesVector(await readStoredFloats(change.a), x);
    outputs.push(...timesVector(await readStoredFloats(change.b), inner).map((value) => change.scale * value));
  }
  return Float32Array.from(outputs);
}

function timesVector(matrix: Float32Array, x: Float32Array): Float32Array {
  return Float32Array.from({ length: matrix.length / x.length }, (_, row) =>
    x.reduce((sum, value, column) => sum + value * (matrix[row * x.length + column] as number), 0),
  );
}

test('every file that means the ink style holds it, at the strength that the file asks for', async () => {
  const meant = await branchOutputs(ink);
  for (const [name, file, { within = 1e-5, strength = 1, metadata } = {}] of meantAsInk) {
    const found = await branchOutputs(await write(name, file(), metadata));
    if (strength === 0) expect(found.every((value) => value === 0)).toBe(true);
    else
      expect(
        distance(
          found,
          meant.map((value) => value * strength),
        ),
        name,
      ).toBeLessThan(within);
  }
});

test('the picture is that of the style in every type of number, however a module changes beside it', async () => {
  const plain = await velocity();
  const styled = await velocity(ink);
  const effect = distance(styled, plain);
  expect(effect).toBeGreaterThan(0.05);
  const shown = ['dt_F64', 'dt_F16', 'dt_F8_E4M3', 'dt_F8_E5M2', 'conv4d', 'diffb'];
  for (const [name, file, { within = 1e-4 } = {}] of meantAsInk.filter(([name]) => shown.includes(name))) {
    const found = await velocity(await write(name, file()));
    expect(distance(found, styled) / effect, name).toBeLessThan(within);
  }
  expect(distance(await velocity(await write('k_half', kohya(filled(4)))), await velocity(ink, 0.5))).toBeLessThan(
    1e-6,
  );
}, 60_000);

test('all that a LoRA can name is changed: every layer and table, those outside the blocks and of the text included', async () => {
  const names = adaptableModules(model.bundle);
  const pairs: Record<string, Tensor> = {};
  const differences: Record<string, Tensor> = {};
  for (const [module, { shape, isLinear }] of names) {
    const [outputs = 0, inputs = 0] = shape;
    if (isLinear) Object.assign(pairs, pair(prefix + module, outputs, inputs, 0.1));
    if (isLinear) differences[`${module}.diff_b`] = zeros(outputs);
    differences[`${module}.diff`] = zeros(...shape);
  }
  const elements = async (path?: string): Promise<number> => {
    const loras = path === undefined ? [] : [{ lora: await readLora(path, names), strength: 1 }];
    for (const { lora } of loras) requireUsable(lora);
    const adapters = mappedAdapters(loras);
    const config = transformerConfigOf(model.bundle);
    const encoder = await openTextEncoder((await resolveWeights('nano')).textEncoder);
    const weights = joinCheckpoints(encoder.checkpoint, model.bundle);
    const textConfig = { encoder, transformer: config, length: 1024 };
    const text = networkGraph(textContext, graphTargets.cpu, weights, textConfig, adapters);
    const form = { config, perToken: { video: true, audio: true } } as const;
    const velocity = networkGraph(transformer, graphTargets.cpu, model.bundle, form, adapters);
    return velocity.weightElements + text.weightElements;
  };
  const size = (file: File): number => Object.values(file).reduce((sum, { values }) => sum + values.length, 0);
  const plain = await elements();
  expect((await elements(await write('all pairs', pairs))) - plain).toBe(size(pairs));
  // The projection is used in pieces where nothing changes it, and as a whole otherwise: the same elements.
  expect((await elements(await write('all differences', differences))) - plain).toBe(size(differences));
});

test('layers that read the text or lie outside the blocks change the picture, in diffusers spelling too', async () => {
  const plain = await velocity();
  for (const [native, other, outputs, inputs] of [
    [`${prefix}adaln_single.linear`, 'transformer.time_embed.linear', 1152, 192],
    [projection, 'connectors.text_proj_in', 128, 896],
    [connector, 'connectors.video_connector.transformer_blocks.0.attn1.to_q', 128, 128],
  ] as const) {
    const [one, same] = [pair(native, outputs, inputs, 0.3), pair(other, outputs, inputs, 0.3)];
    const [wanted, found] = [await velocity(await write(native, one)), await velocity(await write(other, same))];
    expect(distance(wanted, plain), native).toBeGreaterThan(1e-5);
    expect(distance(found, wanted), other).toBeLessThan(1e-6);
  }
}, 60_000);

test('every file that cannot be used is refused in one sentence that says why', async () => {
  const loraKey = (module: string, side: 'A' | 'B'): string => `${prefix}${module}.lora_${side}.weight`;
  const foreign = (module: string, outputs: number, inputs: number): File => ({
    [loraKey(module, 'A')]: zeros(rank, inputs),
    [loraKey(module, 'B')]: zeros(outputs, rank),
  });
  const nan = tensorOf(modules[2] as string, up);
  const broken = (values: (index: number, value: number) => number): File => ({
    ...base,
    [modules[2] + up]: { ...nan, dtype: 'float32', values: nan.values.map((value, index) => values(index, value)) },
  });
  const files: readonly (readonly [name: string, file: File, message: RegExp, metadata?: Record<string, string>])[] = [
    ['missing_up', without(first() + up), /to_k" has its lora_A \(down\), but no lora_B \(up\)$/],
    ['missing_down', without(first() + down), /to_k" has its lora_B \(up\), but no lora_A \(down\)$/],
    [
      'wronggen',
      foreign('transformer_blocks.47.attn1.to_q', 4096, 4096),
      /made for another model \(LTX-2 19B or LTX-Video 13B\)/,
    ],
    [
      'ltx2',
      {
        ...foreign('transformer_blocks.47.attn1.to_q', 4096, 4096),
        ...foreign('transformer_blocks.47.audio_attn1.to_q', 2048, 2048),
      },
      /made for another model \(LTX-2 19B\)/,
    ],
    ['wan', foreign('blocks.0.self_attn.q', 192, 192), /made for another model \(Wan\)/],
    ['flux', foreign('double_blocks.0.img_attn.qkv', 192, 192), /made for another model \(FLUX or a relative of it\)/],
    [
      'stable diffusion',
      renamed((key) => key.replace(prefix, 'lora_unet_down_blocks_1_attentions_0_')),
      /made for another model \(Stable Diffusion\)/,
    ],
    ['ltx2.3', { ...base, ...foreign('prompt_adaln_single.linear', 1152, 192) }, /made for another model \(LTX-2\.3\)/],
    ['empty', {}, /it holds no LoRA weights: the file is empty$/],
    [
      'a whole model',
      { 'model.diffusion_model.proj_out.weight': zeros(64, 192), 'vae.encoder.conv_in.conv.bias': zeros(4) },
      /it holds whole weights, such as "model\.diffusion_model\.proj_out\.weight": give a LoRA, not a model$/,
    ],
    [
      'dup',
      { ...base, ...prefixed('transformer.') },
      /"diffusion_model\..*" and "transformer\..*" are two names for one module$/,
    ],
    [
      'two adapters',
      { ...base, ...renamed((key) => key.replace('.weight', '.other.weight')) },
      /two tensors for one thing/,
    ],
    [
      'alpha_only',
      { ...base, [`${prefix}transformer_blocks.9.attn1.to_q.alpha`]: filled(8) },
      /blocks\.9\.attn1\.to_q" has an alpha, but no weights$/,
    ],
    ['refdown', { ...base, __x: zeros(1) }, /its tensor "__x" belongs to no kind of LoRA$/],
    [
      'nan',
      broken((index, value) => (index === 3 ? Number.NaN : value)),
      /"diffusion_model\..*lora_B\.weight" holds NaN at place 3:/,
    ],
    [
      'infinity',
      broken((index, value) => (index === 5 ? Number.NEGATIVE_INFINITY : value)),
      /holds -Infinity at place 5:/,
    ],
    [
      'oft',
      { ...base, [`${first()}.oft_blocks`]: zeros(4, 4) },
      /this is an OFT .*not supported: merge it or export a plain LoRA$/,
    ],
    [
      'one axis',
      { ...base, [first() + down]: zeros(192) },
      /lora_A\.weight" \[192\] .*cannot change a weight \[192,192\]/,
    ],
    ['three axes', { ...base, [first() + down]: zeros(rank, 192, 3) }, /\[8,192,3\]/],
    ['ranks that differ', { ...base, [first() + down]: zeros(4, 192) }, /\[4,192\] and .* \[192,8\] cannot change/],
    ['rank 0', { ...base, [first() + down]: zeros(0, 192), [first() + up]: zeros(192, 0) }, /\[0,192\]/],
    ['nan alpha', kohya(filled(Number.NaN)), /alpha" is not one finite number$/],
    ['two alphas', kohya(filled(1, 2)), /alpha" is not one finite number$/],
    ['text alpha', base, /its header gives lora_alpha as "much", which is not a number$/, { lora_alpha: 'much' }],
    [
      'rank pattern of zero',
      base,
      /its header gives the rank 0$/,
      settings({ r: 8, lora_alpha: 4, rank_pattern: { to_q: 0 } }),
    ],
    [
      'rank pattern that is a list',
      base,
      /the rank_pattern in its header is not a JSON object$/,
      settings({ r: 8, lora_alpha: 4, rank_pattern: [8] }),
    ],
    ['alpha beyond float32', base, /gives lora_alpha as "1e300", which is not a number$/, { lora_alpha: '1e300' }],
    [
      'integer weights',
      inType('int8'),
      /its weight ".*lora_[AB]\.weight" holds int8, not floats: export it as BF16, F16 or F32$/,
    ],
    [
      'two biases',
      { ...base, [`${first()}.lora_B.bias`]: zeros(192), [`${first()}.diff_b`]: zeros(192) },
      /to_k" has a bias of its pair and a difference of its bias at a time$/,
    ],
    [
      'quantized',
      { ...base, [`${first()}.lora_A.weight_scale`]: filled(1) },
      /this is a quantized LoRA .*not supported: merge it or export a plain LoRA$/,
    ],
    [
      'reshape_weight',
      { ...base, [`${first()}.reshape_weight`]: filled(192, 2) },
      /this is a LoRA that gives layers another shape .*not supported: merge it or export a plain LoRA$/,
    ],
    [
      'text encoder',
      { ...base, ...foreign('text_encoders.gemma3_12b.model.layers.0.self_attn.q_proj', 128, 128) },
      /changes a text encoder, which is not supported, so export it for the transformer alone: .*text_encoders\./,
    ],
    ['flux of kohya', foreign('double_blocks_0_img_attn_qkv', 192, 192), /another model \(FLUX or a relative of it\)/],
    [
      'ltx2 without a query',
      foreign('transformer_blocks.47.audio_ff.net.2', 2048, 8192),
      /made for another model \(LTX-2 19B\)/,
    ],
    [
      'matrices the wrong way round',
      { ...base, [first() + down]: zeros(192, rank), [first() + up]: zeros(rank, 192) },
      /lora_A\.weight" \[192,8\] and .* \[8,192\] cannot change a weight \[192,192\]/,
    ],
    [
      'a slow pattern and a long name',
      renamed((key) => 'a.'.repeat(20_000) + key.slice(prefix.length)),
      /its tensor "(a\.){50}" belongs to no kind of LoRA$/,
      settings({ r: 8, lora_alpha: 8, alpha_pattern: { '.*.*y': 4 } }),
    ],
    ['rank of zero', base, /its header gives the rank 0$/, settings({ r: 0, lora_alpha: 4 })],
    ['not JSON', base, /adapter settings in its header are not a JSON object$/, { lora_adapter_metadata: '{' }],
    ['slow pattern', base, /rank_pattern .* cannot be followed/, settings({ r: 8, rank_pattern: { '(a+)+b': 1 } })],
    [
      'loha half',
      { [`${first()}.hada_w1_a`]: zeros(192, 8), [`${first()}.hada_w1_b`]: zeros(8, 192) },
      /only one of its two Hadamard factors$/,
    ],
    [
      'lokr shape',
      { [`${first()}.lokr_w1`]: zeros(8, 8), [`${first()}.lokr_w2`]: zeros(8, 8) },
      /cannot change a weight \[192,192\]/,
    ],
  ];
  for (const [name, file, message, metadata] of files) {
    const path = await write(name, file, metadata);
    const error = await model.useLoras([{ path, scale: 1, field: 'loras.0.path' }]).catch((e: unknown) => e);
    expect(error, name).toMatchObject({
      kind: 'input',
      field: 'loras.0.path',
      message: expect.stringMatching(message),
    });
  }
});

test('numbers beyond float32 are refused like infinite ones', async () => {
  const path = join(folder, 'double.safetensors');
  const tensors = Object.entries(base).map(([name, { shape, values }]) => ({
    name,
    shape,
    dtype: 'float64' as const,
    bytes: () => new Uint8Array(Float64Array.from(values, (value, at) => (at === 1 ? 1e300 : value)).buffer),
  }));
  await writeSafetensors(path, tensors);
  await expect(model.useLoras([{ path, scale: 1, field: 'loras.0.path' }])).rejects.toThrow(
    /holds Infinity at place 1/,
  );
});
