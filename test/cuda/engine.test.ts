import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { graphTargets } from '../../src/graph/graph-target.ts';
import { networkGraph } from '../../src/graph/network.ts';
import { openCheckpoint } from '../../src/graph/weights/checkpoint.ts';
import { configOf } from '../../src/ltx2/config.ts';
import { publishedSchedules } from '../../src/ltx2/sampling/schedule.ts';
import { videoDecoder } from '../../src/ltx2/video/video-decoder.ts';
import { writeSoundFile } from '../../src/media/raw/sound-file.ts';
import { Engine } from '../../src/pipeline/engine/engine.ts';
import type { EngineInputs } from '../../src/pipeline/engine/engine-messages.ts';
import { type ClipSettings, createPlan, type Plan } from '../../src/pipeline/plan/plan.ts';
import { plainSettings } from '../support/clip-settings.ts';
import { tinyWeights as weights } from '../support/parity-checkpoint.ts';
import { installedFolder } from './installed-folder.ts';
import { standInCuda } from './stand-in.ts';
import { readStandInLog } from './stand-in-log.ts';

const cuda = await standInCuda();
const cudaTest = test.skipIf(cuda === undefined);
const folder = await mkdtemp(join(tmpdir(), 'soundstage-cuda-engine-'));
const faults = join(folder, 'faults');
const log = join(folder, 'log');

let inputs: EngineInputs;
let planFor: (changes: Partial<ClipSettings>) => Plan;

beforeAll(async () => {
  const audio = { path: join(folder, 'recording'), sampleRate: 16_000, channels: 2 } as const;
  await writeSoundFile(audio.path, { ...audio, waveform: new Float32Array(2 * 8000).map((_, i) => Math.sin(i / 9)) });
  inputs = { audio, generatedSound: join(folder, 'generated') };
  const bundle = await openCheckpoint(weights.bundle);
  const decoder = networkGraph(videoDecoder, graphTargets.cpu, bundle, configOf(bundle, 'vae'));
  const facts = { audioSeconds: 0.5, decoder, schedules: publishedSchedules };
  planFor = (changes) => createPlan({ ...plainSettings, ...changes }, facts, weights).plan;
});

beforeEach(() => {
  vi.stubEnv('SOUNDSTAGE_CUDA_FOLDER', join(folder, 'none'));
  vi.stubEnv('LD_LIBRARY_PATH', '');
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** The frames of a clip. */
async function framesOf(engine: Engine, plan: Plan, onDenoising = async (): Promise<void> => {}): Promise<Buffer> {
  const frames: Buffer[] = [];
  await engine.generate(plan, inputs, {
    onEvent: async (event) => {
      if (event.type === 'frames') frames.push(Buffer.from(event.rgb));
      if (event.type === 'progress' && event.phase === 'denoise') await onDenoising();
    },
  });
  return Buffer.concat(frames);
}

cudaTest(
  'an engine that loads the installed runtime computes the same bytes on the CPU, without any library of CUDA',
  async () => {
    await using plain = new Engine();
    const expected = await framesOf(plain, planFor({}));
    const installed = await installedFolder(cuda);
    vi.stubEnv('SOUNDSTAGE_CUDA_FOLDER', installed);
    await using engine = new Engine();
    expect((await framesOf(engine, planFor({}))).equals(expected)).toBe(true);
    expect(await readFile(`/proc/${engine.pid}/maps`, 'utf8')).not.toContain('onnxruntime_providers_cuda');
    const { LD_LIBRARY_PATH: path } = environmentOf(await readFile(`/proc/${engine.pid}/environ`, 'utf8'));
    expect(path?.startsWith(installed)).toBe(true);
  },
);

cudaTest('a GPU whose memory is full fails that clip alone: the same engine makes the next', async () => {
  for (const [name, value] of Object.entries(cuda?.environment({ faults, log }) ?? {})) vi.stubEnv(name, value);
  const plan = planFor({ device: 'cuda' });
  await using engine = new Engine();
  const expected = await framesOf(engine, plan);
  const { pid } = engine;
  const failing = framesOf(engine, plan, () => writeFile(faults, 'cudaMalloc 2 0'));
  await expect(failing).rejects.toMatchObject({
    kind: 'device',
    message: expect.stringMatching(/: the GPU is out of memory: ask for a smaller or shorter clip/),
  });
  expect((await readStandInLog(log)).usedBytes).toEqual([0]);
  await rm(faults);
  expect((await framesOf(engine, plan)).length).toBe(expected.length);
  expect(engine.pid).toBe(pid);
});

test.skipIf(process.platform !== 'linux')('an engine for one GPU sees no other', async () => {
  await using engine = new Engine({ gpu: 'GPU-1' });
  engine.start();
  expect(environmentOf(await readFile(`/proc/${engine.pid}/environ`, 'utf8'))).toMatchObject({
    CUDA_VISIBLE_DEVICES: 'GPU-1',
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
  });
});

function environmentOf(text: string): Readonly<Record<string, string>> {
  const pairs = text.split('\0').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
  return Object.fromEntries(pairs);
}
