import { symbol } from '../../graph/dimension.ts';
import { Graph } from '../../graph/graph.ts';
import type { GraphModel } from '../../graph/graph-model.ts';
import type { GraphTarget } from '../../graph/graph-target.ts';
import { add, affine, leakyRelu, tanh } from '../../graph/operations/arithmetic.ts';
import type { ConvolutionOptions } from '../../graph/operations/convolution.ts';
import { convolveTransposed } from '../../graph/operations/convolution.ts';
import { reshape, transpose } from '../../graph/operations/shapes.ts';
import { knownLength, type Value } from '../../graph/value.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { VocoderConfig } from '../config.ts';
import { ModuleWeights } from '../module-weights.ts';

/** Width of the first and the last convolution. */
const outerKernel = 7;
const slope = 0.1;
/** The slope before the last convolution: the reference leaves it at its framework's default. */
const lastSlope = 0.01;

/**
 * The vocoder, HiFi-GAN's generator (Kong et al. 2020, version 1) for stereo: log-mel to sound.
 *
 * input `mel [1, 2, n, bins]` f32; output `waveform [1, 2, 240·n]` f32 in −1…1 at `output_sampling_rate`.
 */
export function buildVocoder(target: GraphTarget, checkpoint: Checkpoint, config: VocoderConfig): GraphModel {
  const { upsample_rates, upsample_kernel_sizes, resblock_kernel_sizes, resblock_dilation_sizes } = config;
  const g = new Graph(target);
  const vocoder = new ModuleWeights(g, checkpoint, 'vocoder.');
  const n = symbol('n');
  const bins = knownLength(vocoder.parameter('conv_pre.weight'), 1) / 2;

  const mel = g.activation('mel', [1, 2, n, bins]);
  let x = reshape(transpose(mel, [0, 1, 3, 2]), [1, 2 * bins, n]); // [1, 128, n]
  x = vocoder.convolve(x, 'conv_pre', sameLength(outerKernel)); // [1, 1024, n]
  upsample_rates.forEach((rate, stage) => {
    g.scoped(`stage.${stage}`, () => {
      const padding = Math.floor(((upsample_kernel_sizes[stage] ?? rate) - rate) / 2);
      const ups = vocoder.at(`ups.${stage}`);
      x = convolveTransposed(leakyRelu(x, slope), ups.parameter('weight'), ups.parameter('bias'), rate, padding);
      const branches = resblock_kernel_sizes.map((kernel, branch) => {
        const weights = vocoder.at(`resblocks.${stage * resblock_kernel_sizes.length + branch}`);
        return residualBlock(x, weights, kernel, resblock_dilation_sizes[branch] ?? []);
      });
      x = affine(
        branches.reduce((sum, branch) => add(sum, branch)),
        1 / branches.length,
      );
    });
  }); // [1, 512, 6n], [1, 256, 30n], [1, 128, 60n], [1, 64, 120n], [1, 32, 240n]
  x = vocoder.convolve(leakyRelu(x, lastSlope), 'conv_post', sameLength(outerKernel)); // [1, 2, 240n]
  g.output('waveform', tanh(x));
  return g.build();
}

/** `x [1, C, n]` → `[1, C, n]`: pairs of convolutions, the first of each dilated. */
function residualBlock(x: Value, weights: ModuleWeights, kernel: number, dilations: readonly number[]): Value {
  return dilations.reduce((sum, dilation, pair) => {
    const y = weights.convolve(leakyRelu(sum, slope), `convs1.${pair}`, sameLength(kernel, dilation));
    return add(sum, weights.convolve(leakyRelu(y, slope), `convs2.${pair}`, sameLength(kernel)));
  }, x);
}

function sameLength(kernel: number, dilation = 1): ConvolutionOptions {
  return { before: [((kernel - 1) / 2) * dilation], dilations: [dilation] };
}
