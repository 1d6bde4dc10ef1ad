// Whole clips from a recording to a file: seconds per phase, the share spent outside the tensor runtime, peak memory.
// Usage: node bench/clip.ts [WIDTHxHEIGHTxFRAMES…]
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MediaService } from '../src/media/media-service.ts';
import { readWeightFolder } from '../src/models/weight-folder.ts';
import { Engine } from '../src/pipeline/engine.ts';
import { type Clip, generateClip } from '../src/pipeline/generate-clip.ts';
import { benchmarkSettings } from './benchmark-settings.ts';
import { benchmarkSizes, randomCheckpoint } from './random-checkpoint.ts';

const work = join(import.meta.dirname, 'work');
await mkdir(work, { recursive: true });
const weights = await readWeightFolder(await randomCheckpoint(work, benchmarkSizes));
const sizes = process.argv.length > 2 ? process.argv.slice(2) : ['512x384x121', '1024x768x121'];

for (const text of sizes) {
  const [width = 0, height = 0, numFrames = 0] = text.split('x').map(Number);
  // A process of its own for each clip, so that peak memory is the clip's.
  await using media = new MediaService();
  await using engine = new Engine();
  const settings = { ...benchmarkSettings, videoSize: { width, height }, numFrames };
  report(text, await generateClip(settings, weights, { engine, media }, { output: join(work, 'clip.mp4') }));
}

function report(name: string, { report: { phases, runtimeSeconds, peakMemory }, seconds }: Clip): void {
  const outside = (seconds - runtimeSeconds) / seconds;
  process.stdout.write(
    `${name}: ${seconds.toFixed(1)} s, peak memory of the engine ${(peakMemory / 1e6).toFixed(0)} MB\n`,
  );
  for (const [phase, time] of Object.entries(phases))
    process.stdout.write(`  ${phase.padEnd(10)}${time.toFixed(2).padStart(9)} s\n`);
  process.stdout.write(
    `  outside the runtime ${(seconds - runtimeSeconds).toFixed(2)} s, ${(100 * outside).toFixed(1)} % of the wall time\n`,
  );
}
