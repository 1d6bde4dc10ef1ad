// Opens every network on CUDA, runs it once, and prints where its nodes were: with the parity checkpoint, or at the sizes of the
// released model. Usage: node placement-process.ts parity | released
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  writeReleasedBundle,
  writeReleasedTextEncoder,
  writeReleasedUpscaler,
} from '../../bench/checkpoint/released-files.ts';
import { type Dimension, evaluateDimension } from '../../src/graph/dimension.ts';
import { graphTargets } from '../../src/graph/graph-target.ts';
import { floatTensor, type HostTensor, indexTensor } from '../../src/graph/runtime/host-tensor.ts';
import { Session } from '../../src/graph/runtime/session.ts';
import type { TensorType } from '../../src/graph/value.ts';
import { openCheckpoint } from '../../src/graph/weights/checkpoint.ts';
import { openTextEncoder } from '../../src/ltx2/text/gemma/gemma-folder.ts';
import { transformerConfigOf } from '../../src/ltx2/transformer/transformer.ts';
import { type DeviceNetwork, deviceNetworks, parityWeights } from '../support/device-networks.ts';
import { type Placement, placementOf, profiledNodes } from './placement.ts';

/** What sizes that a network leaves open are, and all others. */
const sizes: Readonly<Record<string, number>> = { Nv: 24, Na: 5, S: 64, S_negative: 64, n: 7, positions: 1024 };
const otherSize = 2;

const folder = await mkdtemp(join(tmpdir(), 'soundstage-placement-'));
try {
  for (const network of process.argv[2] === 'released' ? await releasedNetworks() : await parityNetworks()) {
    const placement = await place(network).catch(
      ({ message: error }: Error): Placement => ({ ...placementOf(network.name, []), error }),
    );
    process.stdout.write(`${JSON.stringify(placement)}\n`);
  }
} finally {
  await rm(folder, { recursive: true });
}

async function parityNetworks(): Promise<readonly DeviceNetwork[]> {
  return deviceNetworks(await parityWeights(folder));
}

/**
 * The released files with holes for weights, of which few layers are used: two blocks, the second of them fp8 in that form, and
 * of the text encoder one layer that sees all tokens after five that do not. The projection behind it takes all its layers.
 */
async function releasedNetworks(): Promise<readonly DeviceNetwork[]> {
  const gemma = join(folder, 'gemma');
  await writeReleasedTextEncoder(gemma);
  const [bundle, fp8, upscaler, encoder] = await Promise.all([
    openCheckpoint(await writeReleasedBundle(folder, 'bf16')),
    openCheckpoint(await writeReleasedBundle(folder, 'fp8')),
    openCheckpoint(await writeReleasedUpscaler(folder)),
    openTextEncoder(gemma),
  ]);
  const text = { ...encoder.config.text_config, num_hidden_layers: 6 };
  const short = { ...encoder, config: { ...encoder.config, text_config: text } };
  const networks = deviceNetworks({
    ...{ bundle, fp8, upscaler, loras: [] },
    encoder: short,
    seeing: short,
    config: { ...transformerConfigOf(bundle), num_layers: 2 },
  });
  return networks.filter(({ name }) => !name.includes('LoRAs') && name !== 'text contexts');
}

async function place({ name, options, build }: DeviceNetwork): Promise<Placement> {
  const profiles = await mkdtemp(join(folder, 'profile-'));
  const model = build(graphTargets.cuda);
  await using session = await Session.open(model, { ...options, profile: join(profiles, 'profile') });
  await session.run(Object.fromEntries(model.inputs.map((input) => [input.name, zeros(input)])));
  await session[Symbol.asyncDispose]();
  const [profile = ''] = await readdir(profiles);
  return placementOf(name, await profiledNodes(join(profiles, profile)));
}

function zeros({ dtype, shape }: TensorType): HostTensor {
  const lengths = shape.map(lengthOf);
  const count = lengths.reduce((product, length) => product * length, 1);
  return dtype === 'int64' ? indexTensor(new Array(count).fill(0)) : floatTensor(new Float32Array(count), lengths);
}

function lengthOf(dimension: Dimension): number {
  if (typeof dimension === 'number') return dimension;
  const names = [...dimension.terms.keys()].flatMap((monomial) => monomial.split('*')).filter(Boolean);
  return evaluateDimension(dimension, new Map(names.map((name) => [name, sizes[name] ?? otherSize]))) ?? otherSize;
}
