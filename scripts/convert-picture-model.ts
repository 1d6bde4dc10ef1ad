// Makes models/safety/nsfw-mobilenet-v2.safetensors from the nsfwjs package (see the README there).
// Usage: npm pack nsfwjs@4.4.0 && tar xzf nsfwjs-4.4.0.tgz && node scripts/convert-picture-model.ts package
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { type TensorToWrite, writeSafetensors } from '../src/graph/weights/safetensors-writer.ts';

interface StoredWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly quantization: { readonly min: number; readonly scale: number; readonly dtype: string };
}

interface GraphNode {
  readonly op: string;
  readonly name: string;
  readonly attr?: { readonly strides?: { readonly list: { readonly i: readonly string[] } } };
}

interface ConvertedModel {
  readonly modelTopology: { readonly node: readonly GraphNode[] };
  readonly weightsManifest: readonly { readonly weights: readonly StoredWeight[] }[];
}

const [packageFolder] = process.argv.slice(2);
if (packageFolder === undefined) throw new Error('give the folder of the unpacked nsfwjs package');
const folder = join(resolve(packageFolder), 'dist/models/mobilenet_v2_mid');
const load = createRequire(import.meta.url);
const model = load(join(folder, 'model.min.js')) as ConvertedModel;
const shards = [1, 2].map((part) => load(join(folder, `group1-shard${part}of2.min.js`)) as string);
const bytes = Buffer.concat(shards.map((shard) => Buffer.from(shard, 'base64')));

const tensors: TensorToWrite[] = [];
const quantization: Record<string, { scale: number; minimum: number }> = {};
let position = 0;
for (const { name, shape, quantization: stored } of model.weightsManifest.flatMap(({ weights }) => weights)) {
  const count = shape.reduce((product, length) => product * length, 1);
  const values = bytes.subarray(position, position + count);
  position += count;
  const renamed = tensorName(name);
  if (renamed === undefined) continue;
  if (stored.dtype !== 'uint8') throw new Error(`${name} is not stored in bytes`);
  const order = axisOrder(renamed, shape);
  quantization[renamed] = { scale: stored.scale, minimum: stored.min };
  tensors.push({
    name: renamed,
    dtype: 'uint8',
    shape: order.map((axis) => shape[axis] ?? 1),
    bytes: () => transposed(values, shape, order),
  });
}
if (position !== bytes.length) throw new Error(`${bytes.length - position} bytes belong to no tensor`);

const strides = model.modelTopology.node
  .filter(({ op }) => op === 'FusedDepthwiseConv2dNative')
  .map(({ name, attr }) => ({ block: blockIndex(name), stride: Number(attr?.strides?.list.i[1]) }))
  .sort((a, b) => a.block - b.block)
  .map(({ stride }) => stride);
// The order of the classes is nsfwjs's own (dist/esm/nsfw_classes.js).
const labels = ['drawing', 'hentai', 'neutral', 'porn', 'sexy'];
await writeSafetensors('models/safety/nsfw-mobilenet-v2.safetensors', tensors, {
  source: 'nsfwjs 4.4.0, MobileNetV2Mid (MIT, Infinite Red, Inc.)',
  config: JSON.stringify({ architecture: 'mobilenet_v2', imageSize: 224, strides, labels, quantization }),
});

function tensorName(name: string): string | undefined {
  if (name.endsWith('_262')) return 'classifier.weight';
  if (name.endsWith('_263')) return 'classifier.bias';
  const part = /MobilenetV2\/(.*)\/(?:Conv2D|depthwise)_(weights|bn_offset)$/.exec(name);
  // Left over are the constants 2 and 1 that bring 0…1 to −1…1.
  if (part === null) return undefined;
  const [, path = '', kind] = part;
  const module = path
    .replace(/^Conv$/, 'stem')
    .replace(/^Conv_1$/, 'head')
    .replace(/^expanded_conv(?:_\d+)?/, `blocks.${blockIndex(path)}`)
    .replace('/', '.');
  return `${module}.${kind === 'weights' ? 'weight' : 'bias'}`;
}

function blockIndex(path: string): number {
  return Number(/expanded_conv_(\d+)/.exec(path)?.[1] ?? 0);
}

/** TensorFlow's `[height, width, in, out]`, for depthwise `[height, width, channels, 1]` → `[out, in, height, width]`. */
function axisOrder(name: string, shape: readonly number[]): readonly number[] {
  if (shape.length === 4) return name.includes('depthwise') ? [2, 3, 0, 1] : [3, 2, 0, 1];
  return name === 'classifier.weight' ? [1, 0] : [0];
}

function transposed(values: Uint8Array, shape: readonly number[], order: readonly number[]): Uint8Array {
  const steps = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, length) => product * length, 1));
  const result = new Uint8Array(values.length);
  const walk = (depth: number, from: number, to: number): number => {
    const axis = order[depth];
    if (axis === undefined) {
      result[to] = values[from] ?? 0;
      return to + 1;
    }
    let next = to;
    for (let index = 0; index < (shape[axis] ?? 1); index++)
      next = walk(depth + 1, from + index * (steps[axis] ?? 1), next);
    return next;
  };
  walk(0, 0, 0);
  return result;
}
