import { symbol } from '../../graph/dimension.ts';
import { floatInput, network } from '../../graph/network.ts';
import { add, affine, leakyRelu, tanh } from '../../graph/operations/arithmetic.ts';
import { convolve, convolveTransposed } from '../../graph/operations/convolution.ts';
import { reshape, transpose } from '../../graph/operations/shapes.ts';
import { axisLength, knownLength, type Value } from '../../graph/value.ts';
import { type Checkpoint, storedTensor } from '../../graph/weights/checkpoint.ts';
import type { ModuleWeights } from '../../graph/weights/module-weights.ts';
import { elementAt } from '../../shared/element-at.ts';
import { configOf, type VocoderConfig } from '../config.ts';

const slope = 0.1;
/** The slope before the last convolution: the reference leaves it at its framework's default. */
const lastSlope = 0.01;

export interface VocoderSizes extends VocoderConfig {
  /** Bands of the mel spectrogram. */
  readonly bins: number;
}

/** The configuration of a bundle's vocoder, with what its weights alone say. */
export function vocoderConfigOf(checkpoint: Checkpoint): VocoderSizes {
  const [, channels = 0] = storedTensor(checkpoint, 'vocoder.conv_pre.weight').shape;
  return { ...configOf(checkpoint, 'vocoder'), bins: channels / 2 };
}

/**
 * The vocoder, HiFi-GAN's generator (Kong et al. 2020, version 1) for stereo. Input `mel [1, 2, n, bins]`, logarithmic; output
 * `waveform [1, 2, 240·n]` in −1…1 at `output_sampling_rate`.
 */
export const vocoder = network({
  inputs: ({ bins }: VocoderSizes) => ({ mel: floatInput(1, 2, symbol('n'), bins) }),

  build(graph, weights, { mel }, config) {
    const { bins, upsample_rates, upsample_kernel_sizes, resblock_kernel_sizes, resblock_dilation_sizes } = config;
    const root = weights.at('vocoder');
    // Sound is a picture one pixel high here, for which the runtime has the faster kernels.
    let x = reshape(transpose(mel, [0, 1, 3, 2]), [1, 2 * bins, 1, symbol('n')]); // [1, 2·bins, 1, n]
    x = alongTime(root.at('conv_pre'), x); // [1, C, 1, n]
    upsample_rates.forEach((rate, stage) => {
      const padding = Math.floor((elementAt(upsample_kernel_sizes, stage) - rate) / 2);
      graph.scoped(`stage.${stage}`, () => {
        x = upsample(root.at(`ups.${stage}`), leakyRelu(x, slope), rate, padding); // [1, C/2, 1, rate·n]
        const branches = resblock_kernel_sizes.map((_, branch) => {
          const block = root.at(`resblocks.${stage * resblock_kernel_sizes.length + branch}`);
          return residualBlock(block, x, elementAt(resblock_dilation_sizes, branch)); // [1, C/2, 1, rate·n]
        });
        const sum = branches.reduce((total, branch) => add(total, branch)); // [1, C/2, 1, rate·n]
        x = affine(sum, 1 / branches.length); // [1, C/2, 1, rate·n]
      });
    }); // [1, C/2, 1, 6n], [1, C/4, 1, 30n], [1, C/8, 1, 60n], [1, C/16, 1, 120n], [1, C/32, 1, 240n]
    x = alongTime(root.at('conv_post'), leakyRelu(x, lastSlope)); // [1, 2, 1, 240n]
    return { waveform: reshape(tanh(x), [1, 2, axisLength(x, 3)]) }; // [1, 2, 240n]
  },
});

/** `x [1, C, 1, n]` → `[1, C', 1, rate·n]`. */
function upsample(weights: ModuleWeights, x: Value, rate: number, padding: number): Value {
  return convolveTransposed(x, weights.parameter('weight'), weights.parameter('bias'), rate, padding);
}

/** `x [1, C, 1, n]` → same: pairs of convolutions, the first of each dilated. */
function residualBlock(weights: ModuleWeights, x: Value, dilations: readonly number[]): Value {
  let y = x; // [1, C, 1, n]
  dilations.forEach((dilation, pair) => {
    const hidden = alongTime(weights.at(`convs1.${pair}`), leakyRelu(y, slope), dilation); // [1, C, 1, n]
    y = add(y, alongTime(weights.at(`convs2.${pair}`), leakyRelu(hidden, slope))); // [1, C, 1, n]
  });
  return y;
}

/** A convolution `[C', C, k]` over `x [1, C, 1, n]` → `[1, C', 1, n]`. */
function alongTime(weights: ModuleWeights, x: Value, dilation = 1): Value {
  const weight = weights.parameter('weight');
  const [outputs, inputs, kernel] = [knownLength(weight, 0), knownLength(weight, 1), knownLength(weight, 2)];
  const before = [0, ((kernel - 1) / 2) * dilation];
  const flat = reshape(weight, [outputs, inputs, 1, kernel]);
  return convolve(x, flat, weights.parameter('bias'), { before, dilations: [1, dilation] });
}
