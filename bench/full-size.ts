// Opens the transformer at the full 19B size over a sparse file: header, shapes and offsets are those of the released
// bundle, the weights are holes. Shows what loading costs; nothing is computed.

import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { graphTargets } from '../src/graph/graph-target.ts';
import { networkGraph } from '../src/graph/network.ts';
import { Session } from '../src/graph/runtime/session.ts';
import { openCheckpoint } from '../src/graph/weights/checkpoint.ts';
import { transformer, transformerConfigOf } from '../src/ltx2/transformer/transformer.ts';
import { writeReleasedBundle } from './checkpoint/released-files.ts';
import { anonymousBytes } from './memory-watch.ts';

const work = join(import.meta.dirname, 'work');
await mkdir(work, { recursive: true });
const path = await writeReleasedBundle(work, 'bf16');
try {
  const before = anonymousBytes(process.pid);
  const started = performance.now();
  const checkpoint = await openCheckpoint(path);
  const read = performance.now();
  const graph = networkGraph(transformer, graphTargets.cpu, checkpoint, {
    config: transformerConfigOf(checkpoint),
    perToken: { video: false, audio: false },
  });
  const built = performance.now();
  await using session = await Session.open(graph, { optimization: 'basic' });
  const opened = performance.now();
  const seconds = (from: number, to: number): string => `${((to - from) / 1000).toFixed(2)} s`;
  process.stdout.write(
    `bundle of ${((await stat(path)).size / 1e9).toFixed(1)} GB, ${(graph.weightElements / 1e9).toFixed(2)} G weights in the transformer\n`,
  );
  process.stdout.write(
    `header ${seconds(started, read)}, graph ${seconds(read, built)}, session ${seconds(built, opened)}\n`,
  );
  process.stdout.write(
    `anonymous memory ${((anonymousBytes(process.pid) - before) / 1e6).toFixed(0)} MB (${session.model.inputs.length} inputs)\n`,
  );
} finally {
  await rm(path, { force: true });
}
