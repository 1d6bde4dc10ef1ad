// Whole clips from a recording to a file: seconds per phase, processor seconds of the engine, the share spent outside the tensor
// runtime, peak memory. On the CPU exactly and in eight bits, in turn.
// Usage: node bench/clip.ts [--device cuda] [WIDTHxHEIGHTxFRAMES[:acceleration]…]
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { precisions } from '../src/graph/graph-target.ts';
import { MediaService } from '../src/media/media-service.ts';
import { readWeightFolder } from '../src/models/weight-folder.ts';
import { Engine } from '../src/pipeline/engine/engine.ts';
import { type Clip, generateClip } from '../src/pipeline/generate-clip.ts';
import { benchmarkArguments } from './benchmark-arguments.ts';
import { benchmarkSettings } from './benchmark-settings.ts';
import { benchmarkSizes, randomCheckpoint } from './checkpoint/random-checkpoint.ts';
import { MemoryWatch, processorSeconds } from './memory-watch.ts';

const work = join(import.meta.dirname, 'work');
await mkdir(work, { recursive: true });
const weights = await readWeightFolder(await randomCheckpoint(work, benchmarkSizes));
const { device, words } = await benchmarkArguments();
const sizes = words.length > 0 ? words : ['512x384x121', '1024x768x121'];

const forms = sizes.flatMap((text) =>
  (device === 'cpu' ? precisions : ['exact' as const]).map((form) => [text, form] as const),
);
for (const [text, precision] of forms) {
  const [size = text, acceleration] = text.split(':');
  // A process of its own for each clip, so that peak memory is the clip's.
  await using media = new MediaService();
  await using engine = new Engine();
  using memory = new MemoryWatch(() => engine.pid);
  const clip = await generateClip(
    { ...benchmarkSettings(size, device, { acceleration }), precision },
    weights,
    { engine, media },
    { output: join(work, 'clip.mp4'), onProgress: ({ phase }) => memory.enter(phase) },
  );
  report(`${text} ${precision}`, clip, memory.peaks, engine.pid);
}

function report(
  name: string,
  { report: { phases, runtimeSeconds }, seconds }: Clip,
  peaks: ReadonlyMap<string, number>,
  pid: number | undefined,
): void {
  const outside = seconds - runtimeSeconds;
  const spent = pid === undefined || process.platform !== 'linux' ? '' : `, ${processorSeconds(pid).toFixed(1)} CPU s`;
  process.stdout.write(
    `${name}: ${seconds.toFixed(1)} s${spent}, peak memory ${megabytes(Math.max(...peaks.values()))}\n`,
  );
  for (const [phase, time] of Object.entries(phases)) {
    const peak = megabytes(peaks.get(phase) ?? 0);
    process.stdout.write(`  ${phase.padEnd(10)}${time.toFixed(2).padStart(9)} s ${peak.padStart(9)}\n`);
  }
  const share = ((100 * outside) / seconds).toFixed(1);
  process.stdout.write(`  outside the runtime ${outside.toFixed(2)} s, ${share} % of the wall time\n`);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
