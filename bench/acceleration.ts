// What each acceleration level saves and how far it drifts from the exact schedule, at equal seed and plan otherwise.
// Usage: node bench/acceleration.ts [--device cuda] [WIDTHxHEIGHTxFRAMES] [model folder]

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MediaService } from '../src/media/media-service.ts';
import { readWeightFolder } from '../src/models/weight-folder.ts';
import { decodeImages, prepareClip } from '../src/pipeline/clip-inputs.ts';
import { Engine } from '../src/pipeline/engine/engine.ts';
import type { EngineReport } from '../src/pipeline/engine/engine-messages.ts';
import { type Acceleration, accelerations } from '../src/pipeline/plan/acceleration.ts';
import { elementAt } from '../src/shared/element-at.ts';
import { benchmarkArguments } from './benchmark-arguments.ts';
import { benchmarkSettings } from './benchmark-settings.ts';
import { deepSizes, randomCheckpoint } from './checkpoint/random-checkpoint.ts';

const { device, words } = await benchmarkArguments();
const [size = '512x384x121', folder] = words;
const work = join(import.meta.dirname, 'work');
const weights = await readWeightFolder(folder ?? (await randomCheckpoint(work, deepSizes)));
await mkdir(work, { recursive: true });
await using media = new MediaService();
await using engine = new Engine();

await run({ acceleration: 'none' }); // warm-up
const exact = await run({ acceleration: 'none' });
const otherSeed = await run({ acceleration: 'none', seed: 2 });
process.stdout.write(`${size}\nlevel       denoise    refine   denoise+refine   ratio   PSNR to none\n`);
for (const acceleration of accelerations) {
  const result = acceleration === 'none' ? exact : await run({ acceleration });
  const [before, now] = [stepSeconds(exact.report), stepSeconds(result.report)];
  const { denoise = 0, refine = 0 } = result.report.phases;
  const columns = [denoise, refine, now].map((seconds) => seconds.toFixed(2).padStart(9)).join(' ');
  const drift = acceleration === 'none' ? '—' : `${psnr(exact.frames, result.frames).toFixed(1)} dB`;
  process.stdout.write(`${acceleration.padEnd(9)}${columns} s      ${(before / now).toFixed(2)}×   ${drift}\n`);
}
process.stdout.write(`for scale, another seed: ${psnr(exact.frames, otherSeed.frames).toFixed(1)} dB\n`);

async function run(fields: {
  readonly acceleration: Acceleration;
  readonly seed?: number;
}): Promise<{ report: EngineReport; frames: Uint8Array }> {
  const settings = benchmarkSettings(size, device, fields);
  const images = await decodeImages(settings, media, { folder: work });
  const { plan, inputs } = await prepareClip(settings, images, weights, media, { folder: work });
  const frames: Uint8Array[] = [];
  const report = await engine.generate(plan, inputs, {
    onEvent: (event) => {
      if (event.type === 'frames') frames.push(event.rgb);
    },
  });
  return { report, frames: Buffer.concat(frames) };
}

function stepSeconds({ phases: { denoise = 0, refine = 0 } }: EngineReport): number {
  return denoise + refine;
}

function psnr(a: Uint8Array, b: Uint8Array): number {
  let squares = 0;
  for (let at = 0; at < a.length; at++) squares += (elementAt(a, at) - elementAt(b, at)) ** 2;
  return 10 * Math.log10((255 * 255 * a.length) / squares);
}
