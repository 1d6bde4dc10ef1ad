import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bundlePath, fp8BundlePath, loraPath } from '../../../test/support/parity-checkpoint.ts';
import { graphTargets } from '../../graph/graph-target.ts';
import { floatTensor, type HostTensor } from '../../graph/runtime/host-tensor.ts';
import { integerLimit } from '../../graph/runtime/integer-limit.ts';
import { type Checkpoint, joinCheckpoints, openCheckpoint, storedTensor } from '../../graph/weights/checkpoint.ts';
import { writeSafetensors } from '../../graph/weights/safetensors-writer.ts';
import { readBytes } from '../../graph/weights/stored-tensor-values.ts';
import { adaptableModules } from '../adaptable-modules.ts';
import { type AppliedLora, readLora } from '../lora/lora.ts';
import { seededNormals } from '../sampling/noise.ts';
import { audioPositions, videoPositions } from '../sampling/positions.ts';
import { int8Bytes, openInt8Linears, writeInt8Linears } from './int8-linears.ts';
import { type Velocities, VelocityModel } from './velocity.ts';

const block = 'model.diffusion_model.transformer_blocks.0';
const size = { frames: 2, height: 2, width: 3 };
const [videoTokens, audioTokens, contextRows] = [12, 5, 16];
const context = (stream: number): HostTensor<'float32'> =>
  floatTensor(seededNormals(1, stream, contextRows * 48), [contextRows, 48]);

async function evaluate(checkpoint: Checkpoint, loras: readonly AppliedLora[] = []): Promise<Velocities> {
  await using model = new VelocityModel(checkpoint, { target: graphTargets.cpu, loras });
  const text = { video: context(0), audio: context(1) };
  return await model.evaluate(
    model.prepareStage(videoPositions(size, 24), audioPositions(audioTokens), text),
    { tokens: seededNormals(2, 0, videoTokens * 4), timesteps: new Float32Array(videoTokens).fill(0.725) },
    { tokens: seededNormals(2, 1, audioTokens * 32), timesteps: new Float32Array(audioTokens) },
  );
}

/** The bundle with its layers in eight bits. */
async function rounded(bundle: Checkpoint): Promise<Checkpoint> {
  const path = join(await newFolder(), 'int8.safetensors');
  // Processors without instructions for such products have half the range; with all of it sums would overflow there.
  await writeInt8Linears(bundle, path, await integerLimit(), async () => {});
  return joinCheckpoints(bundle, await openInt8Linears(bundle, path));
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-int8-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test.for([bundlePath, fp8BundlePath])(
  'velocities in eight bits are near the exact ones, and not equal: %s',
  async (path) => {
    const bundle = await openCheckpoint(path);
    const exact = await evaluate(bundle);
    const int8 = await evaluate(await rounded(bundle));
    for (const stream of ['video', 'audio'] as const) {
      const error = distance(exact[stream], int8[stream]);
      expect(error).toBeGreaterThan(1e-4);
      expect(error).toBeLessThan(0.03);
    }
  },
);

test('equal weights and inputs give equal bytes', async () => {
  const bundle = await openCheckpoint(bundlePath);
  expect(await evaluate(await rounded(bundle))).toEqual(await evaluate(await rounded(bundle)));
});

test.for(['a', 'b', 'kohya'])('the LoRA %s does to rounded layers what it does to exact ones', async (name) => {
  const bundle = await openCheckpoint(bundlePath);
  const loras = [{ lora: await readLora(loraPath(name), adaptableModules(bundle)), strength: 1 }];
  const [plain, adapted] = [await evaluate(bundle), await evaluate(bundle, loras)];
  const int8 = await evaluate(await rounded(bundle), loras);
  const change = distance(plain.video, adapted.video);
  expect(distance(adapted.video, int8.video)).toBeLessThan(Math.min(0.05, change));
});

test('keys and values of the text stay exact, and so do layers with numbers that stand out', async () => {
  const folder = await newFolder();
  const original = await openCheckpoint(bundlePath);
  const standing = `${block}.attn1.to_q.weight`;
  const tensors = [...original.tensors.values()].map((stored) => ({
    ...stored,
    bytes: async () => {
      const bytes = await readBytes(stored);
      // Every row gets one number a thousand times the others: 64 in bf16.
      const width = (stored.shape[1] ?? 0) * 2;
      if (stored.name === standing) for (let at = 0; at < bytes.length; at += width) bytes.set([0x80, 0x42], at);
      return bytes;
    },
  }));
  const path = join(folder, 'standing.safetensors');
  await writeSafetensors(path, tensors, { config: JSON.stringify(original.config) });
  const { tensors: kept } = await rounded(await openCheckpoint(path));
  const isRounded = (module: string): boolean => kept.has(`${block}.${module}.weight_int8`);
  expect(isRounded('attn1.to_q')).toBe(false);
  expect(isRounded('attn1.to_k')).toBe(true);
  expect(['attn2.to_k', 'attn2.to_v', 'audio_attn2.to_k', 'audio_attn2.to_v'].map(isRounded)).toEqual(
    new Array(4).fill(false),
  );
});

test('the size that is told beforehand is that of the file without its header', async () => {
  const bundle = await openCheckpoint(bundlePath);
  const path = join(await newFolder(), 'int8.safetensors');
  await writeInt8Linears(bundle, path, 127, async () => {});
  const { tensors } = await openCheckpoint(path);
  expect([...tensors.values()].reduce((sum, { length }) => sum + length, 0)).toBe(int8Bytes(bundle));
  expect(storedTensor(await openCheckpoint(path), `${block}.ff.net.2.weight_int8`).shape).toEqual(
    storedTensor(bundle, `${block}.ff.net.2.weight`).shape.toReversed(),
  );
});

/** Relative L2. */
function distance(want: Float32Array, got: Float32Array): number {
  const squares = want.reduce((sum, value, at) => sum + (value - (got[at] as number)) ** 2, 0);
  return Math.sqrt(squares / want.reduce((sum, value) => sum + value ** 2, 0));
}
