// A few blocks of the transformer at LTX-2 19B's own widths, with random weights (772 MB a block, kept in bench/work): seconds and
// TFLOP/s per evaluation, and what all 48 blocks would take. CUDA's libraries have to be on the loader's path.
// Usage: node bench/full-width.ts [--device cuda] [blocks, default 2] [tokens…, default 3072 12288]

import { join } from 'node:path';
import { evaluateDimension } from '../src/graph/dimension.ts';
import { graphTargets } from '../src/graph/graph-target.ts';
import { Session } from '../src/graph/runtime/session.ts';
import { openCheckpoint } from '../src/graph/weights/checkpoint.ts';
import { transformerSession } from '../src/pipeline/engine/session-options.ts';
import { benchmarkArguments } from './benchmark-arguments.ts';
import { fullWidthBlocks } from './checkpoint/full-width-blocks.ts';
import { releasedSizes } from './checkpoint/released-files.ts';
import { type Denoiser, denoiser } from './denoiser.ts';
import { median } from './stopwatch.ts';

/** Tokens of a latent frame of 512×384. */
const frame = { height: 12, width: 16 };
const runs = 5;

const { device, words } = await benchmarkArguments();
const [blocks = 2, ...counts] = words.map(Number);
const checkpoint = await openCheckpoint(await fullWidthBlocks(join(import.meta.dirname, 'work'), blocks));
process.stdout.write(`${blocks} of ${releasedSizes.layers} blocks on ${device}, one timestep for all tokens\n`);
process.stdout.write('  tokens     TFLOP   seconds   TFLOP/s   48 blocks\n');
for (const tokens of counts.length > 0 ? counts : [3072, 12_288]) {
  const frames = tokens / frame.height / frame.width;
  if (!Number.isInteger(frames))
    throw new Error(`tokens come in multiples of ${frame.height * frame.width}, unlike ${tokens}`);
  const evaluation = await denoiser(checkpoint, graphTargets[device], { ...frame, frames });
  const flops = evaluateDimension(evaluation.graph.flops, new Map(Object.entries(evaluation.sizes))) ?? Number.NaN;
  const seconds = await secondsOf(evaluation);
  const whole = (seconds * releasedSizes.layers) / blocks;
  const columns = [(flops / 1e12).toFixed(2), seconds.toFixed(3), (flops / seconds / 1e12).toFixed(2)];
  const row = [
    String(tokens).padStart(8),
    ...columns.map((column) => column.padStart(10)),
    `${whole.toFixed(2)} s`.padStart(12),
  ];
  process.stdout.write(`${row.join('')}\n`);
}

/** Of the median run, after one that brings everything into place. */
async function secondsOf({ graph, feeds }: Denoiser): Promise<number> {
  await using session = await Session.open(graph, transformerSession);
  await session.run(feeds);
  const seconds: number[] = [];
  for (let run = 0; run < runs; run++) {
    const started = performance.now();
    await session.run(feeds);
    seconds.push((performance.now() - started) / 1000);
  }
  return median(seconds);
}
