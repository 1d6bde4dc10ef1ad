import { z } from 'zod';
import { Graph } from '../../graph/graph.ts';
import { graphTargets } from '../../graph/graph-target.ts';
import { add, affine, clip, reduceMean } from '../../graph/operations/arithmetic.ts';
import { convolve } from '../../graph/operations/convolution.ts';
import { linear } from '../../graph/operations/layers.ts';
import { cast, reshape } from '../../graph/operations/shapes.ts';
import { knownLength, type Value } from '../../graph/value.ts';
import { readSafetensorsHeader, type SafetensorsHeader } from '../../graph/weights/safetensors.ts';
import { SoundstageError } from '../../shared/errors.ts';
import type { PictureNetwork } from './picture-network.ts';

const configSchema = z.object({
  architecture: z.literal('mobilenet_v2'),
  imageSize: z.number().int().positive(),
  /** Of the depthwise convolution of each block. */
  strides: z.array(z.union([z.literal(1), z.literal(2)])),
  labels: z.array(z.string()),
  /** Tensor → what a stored byte stands for: `byte·scale + minimum`. */
  quantization: z.record(z.string(), z.object({ scale: z.number(), minimum: z.number() })),
});

type MobilenetConfig = z.infer<typeof configSchema>;

/**
 * MobileNetV2 (Sandler et al. 2018) with batch normalization folded into its convolutions and weights stored in bytes,
 * as `models/safety` has it.
 *
 * @throws SoundstageError `weights` if the file is not such a network
 */
export async function openMobilenet(path: string): Promise<PictureNetwork> {
  const header = await readSafetensorsHeader(path);
  const { imageSize, labels, ...config } = parseConfig(header);
  const weights = new QuantizedWeights(new Graph(graphTargets.cpu), header, config.quantization);
  const { graph: g } = weights;

  let x = g.input('pixels', 'float32', [1, 3, imageSize, imageSize]);
  x = relu6(weights.convolve(x, 'stem', 2)); // [1, C, S/2, S/2]
  config.strides.forEach((stride, index) => {
    x = g.scoped(`blocks.${index}`, () => invertedResidual(weights, x, `blocks.${index}`, stride));
  });
  x = reduceMean(relu6(weights.convolve(x, 'head')), [2, 3]); // [1, C, 1, 1]
  const features = reshape(x, [1, knownLength(x, 1)]);
  g.output('logits', linear(features, weights.parameter('classifier.weight'), weights.parameter('classifier.bias')));

  const normalized = { factor: 1 / 255, mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] };
  const preparation = { width: imageSize, height: imageSize, kernel: 'linear', ...normalized } as const;
  return Object.freeze({ graph: g.build(), labels, preparation });
}

/** Widen, filter each channel by itself, narrow again; around it a shortcut where nothing changes size. */
function invertedResidual(weights: QuantizedWeights, x: Value, block: string, stride: number): Value {
  const wide = weights.has(`${block}.expand`) ? relu6(weights.convolve(x, `${block}.expand`)) : x;
  const filtered = relu6(weights.convolve(wide, `${block}.depthwise`, stride, knownLength(wide, 1)));
  const narrow = weights.convolve(filtered, `${block}.project`);
  return stride === 1 && knownLength(narrow, 1) === knownLength(x, 1) ? add(x, narrow) : narrow;
}

function relu6(x: Value): Value {
  return clip(x, 0, 6);
}

class QuantizedWeights {
  readonly graph: Graph;
  readonly #header: SafetensorsHeader;
  readonly #quantization: MobilenetConfig['quantization'];

  constructor(graph: Graph, header: SafetensorsHeader, quantization: MobilenetConfig['quantization']) {
    this.graph = graph;
    this.#header = header;
    this.#quantization = quantization;
  }

  has(module: string): boolean {
    return this.#header.tensors.has(`${module}.weight`);
  }

  parameter(name: string): Value {
    const stored = this.#header.tensors.get(name);
    const stands = this.#quantization[name];
    if (stored === undefined || stands === undefined) {
      throw new SoundstageError('weights', `${this.#header.file} has no tensor "${name}"`);
    }
    const value = cast(this.graph.storedWeight(stored), 'float32');
    return affine(value, stands.scale, stands.minimum);
  }

  /** Padded as TensorFlow's SAME does: what does not divide evenly goes behind. */
  convolve(x: Value, module: string, stride = 1, groups = 1): Value {
    const weight = this.parameter(`${module}.weight`);
    const kernel = knownLength(weight, 2);
    const length = knownLength(x, 2);
    const padding = Math.max(0, (Math.ceil(length / stride) - 1) * stride + kernel - length);
    const before = Math.floor(padding / 2);
    const after = padding - before;
    return convolve(x, weight, this.parameter(`${module}.bias`), {
      strides: [stride, stride],
      before: [before, before],
      after: [after, after],
      groups,
    });
  }
}

function parseConfig({ file, metadata }: SafetensorsHeader): MobilenetConfig {
  try {
    return configSchema.parse(JSON.parse(metadata.config ?? ''));
  } catch (cause) {
    throw new SoundstageError('weights', `${file} holds no picture classifier of the known form`, { cause });
  }
}
