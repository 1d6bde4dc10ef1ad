// Whole clips beside the published reference in PyTorch: the same random checkpoint, noise and sound, all processors, one after
// another; exactly, in eight bits, and the reference, which writes no file. Wall and processor seconds, the share spent outside the
// tensor runtime, the peak of anonymous memory, and how far the frames are from the exact ones.
// Usage: node bench/reference/clips.ts --reference DIR [--float32] [WIDTHxHEIGHTxFRAMES…]
// --float32 leaves the reference's bf16 out, which takes five to twelve times as long on processors without instructions for it.

import { mkdir } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { textTable } from '../../src/cli/text-table.ts';
import { precisions } from '../../src/graph/graph-target.ts';
import { floatTensor, type HostTensor, indexTensor } from '../../src/graph/runtime/host-tensor.ts';
import { storedTensor } from '../../src/graph/weights/checkpoint.ts';
import { readBytes } from '../../src/graph/weights/stored-tensor-values.ts';
import { conditionOnAudio } from '../../src/ltx2/audio/audio-conditioning.ts';
import { tokenCount } from '../../src/ltx2/sampling/latent-tokens.ts';
import { seededNormals } from '../../src/ltx2/sampling/noise.ts';
import { audioPositions, videoPositions } from '../../src/ltx2/sampling/positions.ts';
import { contextLength } from '../../src/ltx2/text/context/prompt-encoder.ts';
import { Tokenizer } from '../../src/ltx2/text/tokenizer.ts';
import { MediaService } from '../../src/media/media-service.ts';
import { readSoundFile } from '../../src/media/raw/sound-file.ts';
import { readWeightFolder } from '../../src/models/weight-folder.ts';
import { Engine, type GenerateOptions } from '../../src/pipeline/engine/engine.ts';
import type { EngineInputs, EngineReport } from '../../src/pipeline/engine/engine-messages.ts';
import { LoadedModel } from '../../src/pipeline/engine/loaded-model.ts';
import { generateClip } from '../../src/pipeline/generate-clip.ts';
import type { Plan } from '../../src/pipeline/plan/plan.ts';
import { elementAt } from '../../src/shared/element-at.ts';
import { benchmarkSettings } from '../benchmark-settings.ts';
import { benchmarkSizes, randomCheckpoint } from '../checkpoint/random-checkpoint.ts';
import { MemoryWatch, processorSeconds } from '../memory-watch.ts';
import { PublishedReference, type ReferenceType } from './published-reference.ts';
import { batchOfPositions } from './rows.ts';

/** Below, in decibels, the reference's frames are not those of the same clip. */
const agreement = 80;

const { values, positionals } = parseArgs({
  options: { reference: { type: 'string' }, float32: { type: 'boolean', default: false } },
  allowPositionals: true,
});
if (values.reference === undefined)
  throw new Error('--reference is missing: the folder of a checkout of Lightricks/LTX-2');
const types: readonly ReferenceType[] = values.float32 ? ['float32'] : ['float32', 'bfloat16'];
const sizes = positionals.length > 0 ? positionals : ['512x384x121', '1024x768x121'];
const work = join(import.meta.dirname, '../work');
await mkdir(work, { recursive: true });
const folder = await randomCheckpoint(work, benchmarkSizes);
const weights = await readWeightFolder(folder);

/** An engine that keeps the frames it makes, and what the reference needs to make them too. */
class KeepingEngine extends Engine {
  readonly frames: Uint8Array[] = [];
  inputs: Record<string, HostTensor> = {};

  override async generate(plan: Plan, inputs: EngineInputs, options: GenerateOptions = {}): Promise<EngineReport> {
    this.inputs = await referenceInputs(plan, inputs);
    return await super.generate(plan, inputs, {
      ...options,
      onEvent: async (event) => {
        if (event.type === 'frames') this.frames.push(event.rgb.slice());
        await options.onEvent?.(event);
      },
    });
  }
}

const rows: string[][] = [];
for (const size of sizes) {
  let exact: { readonly frames: Uint8Array; readonly inputs: Readonly<Record<string, HostTensor>> } | undefined;
  for (const precision of precisions) {
    // A process of its own for each clip, so that peak memory is the clip's.
    await using media = new MediaService();
    await using engine = new KeepingEngine();
    using memory = new MemoryWatch(() => engine.pid);
    const settings = { ...benchmarkSettings(size, 'cpu'), precision };
    const clip = await generateClip(settings, weights, { engine, media }, { output: join(work, 'clip.mp4') });
    const frames = new Uint8Array(Buffer.concat(engine.frames));
    exact ??= { frames, inputs: engine.inputs };
    const { runtimeSeconds } = clip.report;
    const seconds = engine.pid === undefined ? Number.NaN : processorSeconds(engine.pid);
    const outside = `${((100 * (clip.seconds - runtimeSeconds)) / clip.seconds).toFixed(1)} %`;
    const distance = precision === 'exact' ? '' : decibels(frames, exact.frames).toFixed(1);
    report([size, precision, clip.seconds.toFixed(1), seconds.toFixed(1), outside, peakOf(memory), distance]);
  }
  if (exact === undefined) throw new Error('unreachable');
  for (const type of types) {
    await using reference = await PublishedReference.start(values.reference, availableParallelism());
    using memory = new MemoryWatch(() => reference.pid);
    await reference.open('clip', folder, exact.inputs, [type]);
    const { seconds, wall, outputs } = await reference.outputs(type);
    const distance = decibels(await readBytes(storedTensor(outputs, 'frames')), exact.frames);
    if (type === 'float32' && distance < agreement)
      throw new Error(`the reference's frames are ${distance.toFixed(1)} dB away: not the same clip`);
    report([size, `reference, ${type}`, wall.toFixed(1), seconds.toFixed(1), '', peakOf(memory), distance.toFixed(1)]);
  }
}
const heading = ['clip', 'form', 'seconds', 'CPU seconds', 'outside', 'memory', 'dB'];
process.stdout.write(`${cpus()[0]?.model}, ${availableParallelism()} threads\n${textTable([heading, ...rows])}`);

function report(row: string[]): void {
  rows.push(row);
  process.stderr.write(`${row.join('  ')}\n`);
}

/** Everything that is not in the checkpoint: what the engine works from, as far as the reference cannot make it equally. */
async function referenceInputs(plan: Plan, { audio }: EngineInputs): Promise<Record<string, HostTensor>> {
  const { frames, modelFrames, fps, audioLatents, tiling } = plan;
  const tokenizer = await Tokenizer.open(plan.weights.textEncoder);
  await using model = await LoadedModel.open(plan);
  await using encoder = await model.audioEncoder();
  const sound = await readSoundFile(audio, modelFrames / fps);
  const { tokens } = await conditionOnAudio(encoder, model.audioConfig, sound, { frames: modelFrames, fps });
  const channels = benchmarkSizes.latentChannels;
  const inputs: Record<string, HostTensor> = {
    ids: indexTensor(tokenizer.encodePrompt(plan.prompt, contextLength).ids),
    length: indexTensor([contextLength]),
    'audio.tokens': floatTensor(tokens.data, [1, audioLatents, tokens.data.length / audioLatents]),
    'audio.positions': batchOfPositions(audioPositions(audioLatents)),
    tiling: indexTensor([tiling.tilePixels, tiling.overlapPixels, tiling.tileFrames, tiling.overlapFrames]),
  };
  if (frames !== modelFrames) throw new Error(`a clip to compare has 8k+1 frames, not ${frames}`);
  for (const [index, name] of ['first', 'refinement'].entries()) {
    const { latent, sigmas } = elementAt(plan.stages, index);
    const count = tokenCount(latent);
    inputs[`${name}.size`] = indexTensor([latent.frames, latent.height, latent.width]);
    inputs[`${name}.sigmas`] = floatTensor(Float32Array.from(sigmas), [sigmas.length]);
    inputs[`${name}.positions`] = batchOfPositions(videoPositions(latent, fps));
    inputs[`${name}.noise`] = floatTensor(seededNormals(plan.seed, 2 * index, count * channels), [1, count, channels]);
  }
  return inputs;
}

function peakOf({ peaks }: MemoryWatch): string {
  return `${(Math.max(...peaks.values()) / 1e9).toFixed(2)} GB`;
}

/** Peak signal-to-noise ratio of bytes. */
function decibels(made: Uint8Array, exact: Uint8Array): number {
  if (made.length !== exact.length) throw new Error(`${made.length} bytes of frames instead of ${exact.length}`);
  let squares = 0;
  for (const [at, value] of exact.entries()) squares += (elementAt(made, at) - value) ** 2;
  return 10 * Math.log10((255 ** 2 * exact.length) / squares);
}
