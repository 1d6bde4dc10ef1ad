import { expect, test } from 'vitest';
import { placements } from './placement.ts';
import { standInCuda } from './stand-in.ts';

const cuda = await standInCuda();

/** What is copied between host and GPU in the middle of a network: how many tokens attention looks at, once for all layers. */
const allowedCopies: Readonly<Record<string, readonly string[]>> = {
  'text contexts': ['MemcpyFromHost int32[1]'],
  'text contexts with LoRAs of every kind': ['MemcpyFromHost int32[1]'],
  'language model': ['MemcpyFromHost int32[1]'],
};

const cases = (['parity', 'released'] as const).flatMap((weights) =>
  [80, 89, 90, 120].map((capability) => ({ weights, capability })),
);

/** Every kernel has to be there, for its type and for the GPU: the runtime refuses a network, or its run, where one is not. */
test.skipIf(cuda === undefined).for(cases)(
  'every network computes on a GPU of compute capability $capability alone ($weights)',
  async ({ weights, capability }) => {
    if (cuda === undefined) throw new Error('unreachable');
    const found = await placements(cuda, { capability, largestCopy: 1e6 }, weights);
    expect(found.length).toBeGreaterThan(15);
    for (const { network, error, onDevice, onHost, copies } of found) {
      const expected = { error: undefined, onHost: {}, copies: allowedCopies[network] ?? [] };
      expect({ error, onHost, copies }, network).toEqual(expected);
      expect(onDevice, network).toBeGreaterThanOrEqual(50);
    }
  },
);
