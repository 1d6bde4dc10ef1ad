import { copyFile, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, assert, beforeAll, expect, onTestFinished, test } from 'vitest';
import { plainSettings } from '../../../test/support/clip-settings.ts';
import { tinyWeights as weights } from '../../../test/support/parity-checkpoint.ts';
import { graphTargets } from '../../graph/graph-target.ts';
import { networkGraph } from '../../graph/network.ts';
import { openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { readSafetensorsHeader } from '../../graph/weights/safetensors.ts';
import { writeSafetensors } from '../../graph/weights/safetensors-writer.ts';
import { configOf } from '../../ltx2/config.ts';
import { publishedSchedules } from '../../ltx2/sampling/schedule.ts';
import { videoDecoder } from '../../ltx2/video/video-decoder.ts';
import { writeSoundFile } from '../../media/raw/sound-file.ts';
import { elementAt } from '../../shared/element-at.ts';
import { type ClipSettings, createPlan, type Plan } from '../plan/plan.ts';
import { Engine } from './engine.ts';
import type { EngineEvent, EngineInputs } from './engine-messages.ts';

let inputs: EngineInputs;

const onDispose = new AsyncDisposableStack();
const engine = onDispose.use(new Engine());
let plan: (changes?: Partial<ClipSettings>) => Plan;
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-engine-'));
  onDispose.defer(() => rm(folder, { recursive: true }));
  const audio = { path: join(folder, 'recording'), sampleRate: 16_000, channels: 2 } as const;
  await writeSoundFile(audio.path, { ...audio, waveform: new Float32Array(2 * 8000).map((_, i) => Math.sin(i / 9)) });
  inputs = { audio, generatedSound: join(folder, 'generated') };
  const bundle = await openCheckpoint(weights.bundle);
  const decoder = networkGraph(videoDecoder, graphTargets.cpu, bundle, configOf(bundle, 'vae'));
  const facts = { audioSeconds: 0.5, decoder, schedules: publishedSchedules };
  plan = (changes) => createPlan({ ...plainSettings, ...changes }, facts, weights).plan;
});
afterAll(() => onDispose.disposeAsync());

async function events(
  wanted: Plan,
  options: { previews?: boolean; signal?: AbortSignal } = {},
): Promise<EngineEvent[]> {
  const seen: EngineEvent[] = [];
  await engine.generate(wanted, inputs, { ...options, onEvent: (event) => void seen.push(event) });
  return seen;
}

function pictures(seen: readonly EngineEvent[]): Buffer {
  return Buffer.concat(seen.flatMap((event) => (event.type === 'frames' ? [event.rgb] : [])));
}

test('frames are exactly as many and as large as planned, and progress only grows', async () => {
  const seen = await events(plan());
  expect(pictures(seen)).toHaveLength(12 * 96 * 64 * 3);
  const fractions = seen.flatMap((event) => (event.type === 'progress' ? [event.fraction] : []));
  expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
  expect(fractions.at(-1)).toBeCloseTo(1, 5);
  const phases = new Set(seen.flatMap((event) => (event.type === 'progress' ? [event.phase] : [])));
  expect([...phases]).toEqual(['text', 'audio', 'images', 'denoise', 'upscale', 'refine', 'decode']);
});

test('each step gives a preview, one pixel per latent position', async () => {
  const seen = await events(plan(), { previews: true });
  const sizes = seen.flatMap((event) => (event.type === 'preview' ? [[event.frames, event.height, event.width]] : []));
  expect(sizes).toEqual([...new Array(8).fill([3, 1, 2]), ...new Array(3).fill([3, 2, 4])]);
});

test('generated sound comes before the frames', async () => {
  const sizes: number[] = [];
  await engine.generate(plan({ audioStrength: 0.5 }), inputs, {
    onEvent: async ({ type }) => {
      if (type === 'frames') sizes.push((await stat(inputs.generatedSound)).size);
    },
  });
  // Stereo, as long as the clip but for less than a latent, at 24 kHz.
  const seconds = elementAt(sizes, 0) / (2 * Float32Array.BYTES_PER_ELEMENT * 24_000);
  expect(Math.abs(seconds - 0.7)).toBeLessThan(0.1);
  expect(new Set(sizes).size).toBe(1);
});

test('more prompts than are remembered, with a negative prompt among them', async () => {
  const first = pictures(await events(plan({ prompt: 'prompt 0', negativePrompt: 'a cat' })));
  for (let i = 1; i < 9; i++) await events(plan({ prompt: `prompt ${i}`, numFrames: 9, useMultiscale: false }));
  expect(pictures(await events(plan({ prompt: 'prompt 0', negativePrompt: 'a cat' }))).equals(first)).toBe(true);
}, 120_000);

test('a kill fails the clip under way and loses nothing else', async () => {
  const before = pictures(await events(plan()));
  const dying = engine.generate(plan({ videoSize: { width: 512, height: 512 }, numFrames: 121 }), inputs, {
    onEvent: () => {
      assert(engine.pid !== undefined);
      process.kill(engine.pid, 'SIGKILL');
    },
  });
  await expect(dying).rejects.toMatchObject({ kind: 'crash' });
  expect(pictures(await events(plan())).equals(before)).toBe(true);
});

test('a cancelled clip leaves the same process ready for the next', async () => {
  const controller = new AbortController();
  const { pid } = engine;
  const cancelled = engine.generate(plan({ numFrames: 49 }), inputs, {
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type === 'progress' && event.phase === 'denoise') controller.abort();
    },
  });
  await expect(cancelled).rejects.toMatchObject({ kind: 'cancelled' });
  await events(plan());
  expect(engine.pid).toBe(pid);
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-engine-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test.for([
  ['text_embedding_projection.', 'the contexts of the text'],
  ['audio_vae.encoder.conv_in', 'the latents of the recording'],
  ['model.diffusion_model.transformer_blocks.1.ff', 'the video latents after the first stage'],
  ['vae.decoder.conv_in', 'the decoded frames'],
  ['audio_vae.decoder.conv_in', 'the decoded sound'],
] as const)('a clip that stops being numbers in %s is an error that says where', async ([damaged, where]) => {
  const folder = await temporaryFolder();
  const bundle = join(folder, 'damaged.safetensors');
  await copyFile(weights.bundle, bundle);
  const { tensors } = await readSafetensorsHeader(bundle);
  const tensor = [...tensors.values()].find(({ name, length }) => name.startsWith(damaged) && length > 0);
  if (tensor === undefined) throw new Error(`no ${damaged}`);
  {
    await using file = await open(bundle, 'r+');
    // All ones is no number in any float type.
    await file.write(Buffer.alloc(tensor.length, 0xff), 0, tensor.length, tensor.offset);
  }
  const broken = { ...plan({ audioStrength: 0.5 }), weights: { ...weights, bundle } };
  await expect(events(broken)).rejects.toMatchObject({
    kind: 'weights',
    message: `${where} are not finite numbers: the weights may be damaged, which \`soundstage models check\` tells`,
  });
});

test('LoRAs that are too strong for the arithmetic are blamed, with the stage', async () => {
  const path = join(await temporaryFolder(), 'strong.safetensors');
  const tensors = (['A', 'B'] as const).map((side) => ({
    name: `diffusion_model.transformer_blocks.0.attn1.to_out.0.lora_${side}.weight`,
    dtype: 'float32' as const,
    shape: side === 'A' ? [1, 64] : [64, 1],
    bytes: () => new Uint8Array(new Float32Array(64).fill(1e30).buffer),
  }));
  await writeSafetensors(path, tensors);
  const strong = plan({ loras: [{ path, scale: 1, field: 'loras.0.path' }] });
  await expect(events(strong)).rejects.toMatchObject({
    kind: 'input',
    field: 'loras',
    message: expect.stringMatching(
      /^the video latents after the first stage are not finite numbers: the LoRAs are too strong/,
    ),
  });
  await events(plan());
});
