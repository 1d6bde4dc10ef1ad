import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { bundlePath, loraPath } from '../../../test/support/parity-checkpoint.ts';
import { graphTargets } from '../../graph/graph-target.ts';
import type { Residency } from '../../graph/memory/residency.ts';
import { floatTensor, type HostTensor } from '../../graph/runtime/host-tensor.ts';
import { Session } from '../../graph/runtime/session.ts';
import { type Checkpoint, openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { adaptableModules } from '../adaptable-modules.ts';
import { readLora } from '../lora/lora.ts';
import { seededNormals } from '../sampling/noise.ts';
import { audioPositions, videoPositions } from '../sampling/positions.ts';
import { type StageFeeds, type StreamStep, VelocityModel, type VelocityModelOptions } from './velocity.ts';

const size = { frames: 2, height: 2, width: 3 };
const [videoTokens, audioTokens, contextRows] = [12, 5, 16];
let checkpoint: Checkpoint;

beforeAll(async () => {
  checkpoint = await openCheckpoint(bundlePath);
});
afterAll(() => expect(Session.openCount).toBe(0));

const context = (stream: number): HostTensor<'float32'> =>
  floatTensor(seededNormals(1, stream, contextRows * 48), [contextRows, 48]);
const text = { video: context(0), audio: context(1) };

function stageOf(model: VelocityModel, negative?: typeof text): StageFeeds {
  return model.prepareStage(videoPositions(size, 24), audioPositions(audioTokens), text, negative);
}

const sigma = 0.725;
const video: StreamStep = {
  tokens: seededNormals(2, 0, videoTokens * 4),
  timesteps: new Float32Array(videoTokens).fill(sigma),
};
const audio: StreamStep = {
  tokens: seededNormals(2, 1, audioTokens * 32),
  timesteps: new Float32Array(audioTokens),
};

async function evaluate(options: Partial<VelocityModelOptions> = {}, negative?: typeof text): Promise<Float32Array> {
  await using model = new VelocityModel(checkpoint, { target: graphTargets.cpu, ...options });
  return (await model.evaluate(stageOf(model, negative), video, audio)).video;
}

test('tokens that share a timestep give the same as the general, per-token graph', async () => {
  await using model = new VelocityModel(checkpoint, { target: graphTargets.cpu });
  const shared = await model.evaluate(stageOf(model), video, audio);
  // One audio token with another timestep makes the audio stream per-token; the first video token likewise.
  const timesteps = video.timesteps.slice();
  timesteps[0] = sigma + 1e-7;
  const perToken = await model.evaluate(stageOf(model), { ...video, timesteps }, audio);
  expect(distance(shared.video, perToken.video)).toBeLessThan(1e-4);
});

test('replayed residuals reproduce the evaluation they were recorded in', async () => {
  await using model = new VelocityModel(checkpoint, { target: graphTargets.cpu });
  const stage = stageOf(model);
  const recorded = await model.evaluate(stage, video, audio, { record: true });
  const replayed = await model.evaluate(stage, video, audio, { replay: recorded.residuals });
  expect(distance(recorded.video, replayed.video)).toBeLessThan(1e-5);
  expect(distance(recorded.audio, replayed.audio)).toBeLessThan(1e-5);
  const elsewhere = { ...video, tokens: seededNormals(3, 0, videoTokens * 4) };
  const other = await model.evaluate(stage, elsewhere, audio, { replay: recorded.residuals });
  expect(distance(recorded.video, other.video)).toBeGreaterThan(1e-2);
});

test('LoRAs can be changed and taken away again', async () => {
  const lora = { lora: await readLora(loraPath('a'), adaptableModules(checkpoint)), strength: 0.7 };
  await using model = new VelocityModel(checkpoint, { target: graphTargets.cpu });
  const run = async (): Promise<Float32Array> => (await model.evaluate(stageOf(model), video, audio)).video;
  const plain = await run();
  await model.useLoras([lora]);
  expect(distance(await evaluate({ loras: [lora] }), await run())).toBe(0);
  await model.useLoras([]);
  expect(distance(plain, await run())).toBe(0);
});

test('a session that failed to open, for want of memory say, is opened anew by the next evaluation', async () => {
  await using model = new VelocityModel(checkpoint, { target: graphTargets.cpu });
  const run = async (): Promise<Float32Array> => (await model.evaluate(stageOf(model), video, audio)).video;
  const open = vi.spyOn(Session, 'open').mockRejectedValueOnce(new SoundstageError('device', 'out of memory'));
  await expect(run()).rejects.toThrow('out of memory');
  open.mockRestore();
  expect(distance(await evaluate(), await run())).toBe(0);
});

test('LoRAs whose change failed are not half in use', async () => {
  const lora = { lora: await readLora(loraPath('a'), adaptableModules(checkpoint)), strength: 0.7 };
  await using model = new VelocityModel(checkpoint, { target: graphTargets.cpu });
  const run = async (): Promise<Float32Array> => (await model.evaluate(stageOf(model), video, audio)).video;
  const plain = await run();
  const dispose = Session.prototype[Symbol.asyncDispose];
  const close = vi.spyOn(Session.prototype, Symbol.asyncDispose).mockImplementationOnce(async function (this: Session) {
    await dispose.call(this);
    throw new Error('the driver is gone');
  });
  await expect(model.useLoras([lora])).rejects.toThrow('the driver is gone');
  close.mockRestore();
  expect(distance(plain, await run())).toBe(0);
});

test.for([
  { blocks: 1, kept: 0 },
  { blocks: 2, kept: 0 },
  { blocks: 3, kept: 0 },
  { blocks: 1, kept: 1 },
  { blocks: 2, kept: 2 },
])('$blocks blocks at a time, with $kept that stay, compute to the bit what all do', async ({ blocks, kept }) => {
  const lora = { lora: await readLora(loraPath('a'), adaptableModules(checkpoint)), strength: 0.7 };
  const opened = vi.spyOn(Session, 'open');
  onTestFinished(() => opened.mockRestore());
  const run = async (residency?: Residency): Promise<Float32Array[]> => {
    await using model = new VelocityModel(checkpoint, { target: graphTargets.cpu, residency, loras: [lora] });
    const stage = stageOf(model, { video: context(5), audio: context(6) });
    const recorded = await model.evaluate(stage, video, audio, { record: true });
    const replayed = await model.evaluate(stage, { ...video, tokens: audio.tokens.slice(0, 48) }, audio, {
      replay: recorded.residuals,
    });
    expect(Session.openCount).toBeLessThanOrEqual(2);
    return [recorded.video, recorded.audio, replayed.video, replayed.audio];
  };
  const whole = await run();
  opened.mockClear();
  const block = blockBytes() * 1.5;
  const streamed = await run({ keptBytes: kept * block, streamedBytes: blocks * block });
  expect(streamed).toEqual(whole);
  expect(opened.mock.calls.length).toBeGreaterThan(2);
});

/** Of the weights of a block with the LoRA's; the parts around the blocks are smaller. */
function blockBytes(): number {
  const tensors = [...checkpoint.tensors.values()].filter(({ name }) => name.includes('.transformer_blocks.1.'));
  return tensors.reduce((sum, { length }) => sum + length, 0);
}

test('guidance with the same negative text changes nothing, with another it does', async () => {
  const plain = await evaluate();
  expect(distance(plain, await evaluate({}, text))).toBeLessThan(1e-4);
  const other = { video: context(5), audio: context(6) };
  expect(distance(plain, await evaluate({}, other))).toBeGreaterThan(1e-3);
});

test('keys and values of the text that are kept change no byte, with LoRAs, guidance, and where blocks come and go', async () => {
  const negative = { video: context(2), audio: context(3) };
  const lora = { lora: await readLora(loraPath('a'), adaptableModules(checkpoint)), strength: 0.8 };
  for (const options of [{}, { loras: [lora] }, { residency: { keptBytes: 0, streamedBytes: 1 } }]) {
    const kept = await evaluate(options, negative);
    expect(kept).toEqual(await evaluate({ ...options, textKeyBytes: 0 }, negative));
  }
});

test('keys and values of a text are worked out once for all steps, and anew when the LoRAs change', async () => {
  const opened = vi.spyOn(Session, 'open');
  onTestFinished(() => opened.mockRestore());
  const lora = { lora: await readLora(loraPath('a'), adaptableModules(checkpoint)), strength: 0.8 };
  await using model = new VelocityModel(checkpoint, { target: graphTargets.cpu });
  const sessionsOf = async (steps: number): Promise<number> => {
    const before = opened.mock.calls.length;
    for (let step = 0; step < steps; step++) await model.evaluate(stageOf(model), video, audio);
    return opened.mock.calls.length - before;
  };
  expect(await sessionsOf(3)).toBe(2); // what makes them, and the transformer
  await model.useLoras([lora]);
  expect(await sessionsOf(2)).toBe(2);
});

/** Relative L2. */
function distance(a: Float32Array, b: Float32Array): number {
  const difference = a.reduce((sum, value, at) => sum + (value - (b[at] as number)) ** 2, 0);
  return Math.sqrt(difference / a.reduce((sum, value) => sum + value ** 2, 0));
}
