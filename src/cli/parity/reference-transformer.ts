import type { GraphTarget } from '../../graph/graph-target.ts';
import { floatInput, network } from '../../graph/network.ts';
import type { Value } from '../../graph/value.ts';
import type { Streams } from '../../ltx2/transformer/block.ts';
import { sinusoidWidth } from '../../ltx2/transformer/timestep-sinusoid.ts';
import {
  type CrossTimesteps,
  evaluateStreams,
  type TransformerForm,
  transformerInputs,
} from '../../ltx2/transformer/transformer.ts';

/**
 * Which timesteps the modules between the streams see, in three generations of the reference: each stream's `own`, the other
 * stream's scalar sigma (`cross`), or own for scale and shift but the other's for the gates (`own_ss_cross_gate`).
 */
export const timestepVariants = ['own', 'cross', 'own_ss_cross_gate'] as const;

interface ReferenceForm extends TransformerForm {
  readonly variant: (typeof timestepVariants)[number];
}

/** The transformer with the sigma `[1, 256]` of each stream as an input, and the streams after the first block as an output. */
export const referenceTransformer = network({
  inputs: (form: ReferenceForm, target: GraphTarget) => {
    const sigma = form.variant === 'own' ? undefined : floatInput(1, sinusoidWidth);
    return { ...transformerInputs(form, target), sigma: { video: sigma, audio: sigma } };
  },

  build(graph, weights, { video, audio, sigma }, form) {
    const own = { video: video.timestep, audio: audio.timestep };
    const cross = crossTimesteps(form.variant, own, sigma);
    const { velocity, first } = evaluateStreams(graph, weights, { video, audio }, form, cross);
    return { velocity, firstBlock: first };
  },
});

function crossTimesteps(
  variant: ReferenceForm['variant'],
  own: CrossTimesteps['gate'],
  sigma: Streams<Value | undefined>,
): CrossTimesteps {
  if (sigma.video === undefined || sigma.audio === undefined) return { scaleShift: own, gate: own };
  const other = {
    video: { sinusoid: sigma.audio, index: undefined },
    audio: { sinusoid: sigma.video, index: undefined },
  };
  return { scaleShift: variant === 'cross' ? other : own, gate: other };
}
