import { symbol } from '../../graph/dimension.ts';
import { floatInput, network } from '../../graph/network.ts';
import { add, affine, leakyRelu, tanh } from '../../graph/operations/arithmetic.ts';
import { type ConvolutionOptions, convolveTransposed } from '../../graph/operations/convolution.ts';
import { reshape, transpose } from '../../graph/operations/shapes.ts';
import type { Value } from '../../graph/value.ts';
import { type Checkpoint, storedTensor } from '../../graph/weights/checkpoint.ts';
import type { ModuleWeights } from '../../graph/weights/module-weights.ts';
import { configOf, type VocoderConfig } from '../config.ts';

/** Width of the first and the last convolution. */
const outerKernel = 7;
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
    let x = reshape(transpose(mel, [0, 1, 3, 2]), [1, 2 * bins, symbol('n')]); // [1, 2·bins, n]
    x = root.convolve(x, 'conv_pre', sameLength(outerKernel)); // [1, C, n]
    upsample_rates.forEach((rate, stage) => {
      const padding = Math.floor(((upsample_kernel_sizes[stage] ?? rate) - rate) / 2);
      graph.scoped(`stage.${stage}`, () => {
        x = upsample(root.at(`ups.${stage}`), leakyRelu(x, slope), rate, padding); // [1, C/2, rate·n]
        const branches = resblock_kernel_sizes.map((kernel, branch) => {
          const block = root.at(`resblocks.${stage * resblock_kernel_sizes.length + branch}`);
          return residualBlock(block, x, kernel, resblock_dilation_sizes[branch] ?? []); // [1, C/2, rate·n]
        });
        const sum = branches.reduce((total, branch) => add(total, branch)); // [1, C/2, rate·n]
        x = affine(sum, 1 / branches.length); // [1, C/2, rate·n]
      });
    }); // [1, C/2, 6n], [1, C/4, 30n], [1, C/8, 60n], [1, C/16, 120n], [1, C/32, 240n]
    x = root.convolve(leakyRelu(x, lastSlope), 'conv_post', sameLength(outerKernel)); // [1, 2, 240n]
    return { waveform: tanh(x) }; // [1, 2, 240n]
  },
});

/** `x [1, C, n]` → `[1, C', rate·n]`. */
function upsample(weights: ModuleWeights, x: Value, rate: number, padding: number): Value {
  return convolveTransposed(x, weights.parameter('weight'), weights.parameter('bias'), rate, padding);
}

/** `x [1, C, n]` → same: pairs of convolutions, the first of each dilated. */
function residualBlock(weights: ModuleWeights, x: Value, kernel: number, dilations: readonly number[]): Value {
  let y = x; // [1, C, n]
  dilations.forEach((dilation, pair) => {
    const dilated = sameLength(kernel, dilation);
    const hidden = weights.convolve(leakyRelu(y, slope), `convs1.${pair}`, dilated); // [1, C, n]
    y = add(y, weights.convolve(leakyRelu(hidden, slope), `convs2.${pair}`, sameLength(kernel))); // [1, C, n]
  });
  return y;
}

function sameLength(kernel: number, dilation = 1): ConvolutionOptions {
  return { before: [((kernel - 1) / 2) * dilation], dilations: [dilation] };
}
