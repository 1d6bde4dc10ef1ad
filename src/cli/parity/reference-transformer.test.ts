import { expect, test } from 'vitest';
import { bundlePath } from '../../../test/support/parity-checkpoint.ts';
import { graphTargets } from '../../graph/graph-target.ts';
import { networkGraph } from '../../graph/network.ts';
import { openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { transformerConfigOf } from '../../ltx2/transformer/transformer.ts';
import { referenceTransformer, timestepVariants } from './reference-transformer.ts';

const checkpoint = await openCheckpoint(bundlePath);
const general = { config: transformerConfigOf(checkpoint), perToken: { video: true, audio: true }, guidance: true };

test.for(timestepVariants)('variant %s with guidance builds for every device', (variant) => {
  for (const target of Object.values(graphTargets)) {
    const graph = networkGraph(referenceTransformer, target, checkpoint, { ...general, variant });
    expect(graph.outputs.map(({ name }) => name)).toContain('firstBlock.video');
    expect(graph.inputs.some(({ name }) => name === 'sigma.video')).toBe(variant !== 'own');
  }
});
