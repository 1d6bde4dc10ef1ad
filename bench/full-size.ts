// A whole clip at the true sizes of the 19B model on the CPU: bundle, 12B text encoder and upscaler in the released layout, with
// holes for weights. Every path that depends on size is walked; the picture is gray. Takes minutes, and memory as far as it is free.
// Usage: node bench/full-size.ts [bf16 | fp8] [--memory GB]
import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MediaService } from '../src/media/media-service.ts';
import { Engine } from '../src/pipeline/engine/engine.ts';
import { generateClip } from '../src/pipeline/generate-clip.ts';
import { benchmarkSettings } from './benchmark-settings.ts';
import { writeReleasedModel } from './checkpoint/released-model.ts';
import { MemoryWatch } from './memory-watch.ts';

const { positionals, values } = parseArgs({ allowPositionals: true, options: { memory: { type: 'string' } } });
const [precision = 'bf16'] = positionals;
if (precision !== 'bf16' && precision !== 'fp8')
  throw new Error(`the bundle is released in bf16 and fp8, not ${precision}`);
const deviceMemory = values.memory === undefined ? totalmem() : Number(values.memory) * 1e9;

const work = join(import.meta.dirname, 'work', 'full-size');
await mkdir(work, { recursive: true });
try {
  const weights = await writeReleasedModel(work, precision);
  await using media = new MediaService();
  await using engine = new Engine();
  using memory = new MemoryWatch(() => engine.pid);
  const clip = await generateClip(
    { ...benchmarkSettings('64x64x9', 'cpu'), deviceMemory },
    weights,
    { engine, media },
    {
      output: join(work, 'clip.mp4'),
      onProgress: ({ phase, step, steps }) => {
        memory.enter(phase);
        process.stderr.write(`${phase} ${step}/${steps}\n`);
      },
    },
  );
  const { phases, seconds, peakMemory } = clip.report;
  const line = (...cells: string[]): void => void process.stdout.write(`| ${cells.join(' | ')} |\n`);
  process.stdout.write(`${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} threads, ${precision}\n`);
  line('phase', 'seconds', 'peak of anonymous memory');
  line('---', '---', '---');
  for (const [phase, time] of Object.entries(phases)) line(phase, time.toFixed(1), gigabytes(memory.peaks.get(phase)));
  line('whole', seconds.toFixed(1), gigabytes(Math.max(...memory.peaks.values())));
  process.stdout.write(`resident at most, mapped files included: ${gigabytes(peakMemory)}\n`);
} finally {
  await rm(work, { recursive: true, force: true });
}

function gigabytes(bytes = 0): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
