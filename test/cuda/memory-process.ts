// Runs every network of a clip of the released model once on CUDA, as the memory plan says, and prints what was planned for each
// phase and what it took. Usage: node memory-process.ts FOLDER PRECISION WIDTHxHEIGHTxFRAMES BYTES ACCELERATION, with CUDA_STAND_IN_LOG set
import { gpuPlan } from '../../bench/checkpoint/released-clip.ts';
import { writeReleasedModel } from '../../bench/checkpoint/released-model.ts';
import { floatTensor } from '../../src/graph/runtime/host-tensor.ts';
import { audioLatentCount } from '../../src/ltx2/audio/audio-latents.ts';
import { tokenCount } from '../../src/ltx2/sampling/latent-tokens.ts';
import { audioPositions, type LatentSize, videoPositions } from '../../src/ltx2/sampling/positions.ts';
import { largestTile } from '../../src/ltx2/video/tiles/decoder-cost.ts';
import { LoadedModel } from '../../src/pipeline/engine/loaded-model.ts';
import { accelerations } from '../../src/pipeline/plan/acceleration.ts';
import { readStandInLog } from './stand-in-log.ts';

const [folder = '', precision, size = '', bytes, acceleration] = process.argv.slice(2);
const log = process.env.CUDA_STAND_IN_LOG ?? '';
if (precision !== 'bf16' && precision !== 'fp8') throw new Error(`"${precision}" is no precision of the bundle`);
const plan = await gpuPlan(
  await writeReleasedModel(folder, precision),
  size,
  Number(bytes),
  accelerations.find((each) => each === acceleration),
);
const [small, latent] = [plan.stages[0]?.latent, plan.stages[1]?.latent];
if (small === undefined || latent === undefined) throw new Error('the plan has two stages');
const reuses = plan.stages.some(({ reusedSteps }) => reusedSteps.length > 0);
await using model = await LoadedModel.open(plan);
const memory = await model.planMemory(plan, { opening: 0, keyframes: 0 });

let lines = 0;
async function phase(name: keyof NonNullable<typeof memory>['peaks'], run: () => Promise<unknown>): Promise<void> {
  await run();
  const report = await readStandInLog(log, lines);
  lines = report.lines;
  const planned = memory?.peaks[name];
  process.stdout.write(`${JSON.stringify({ phase: name, planned, taken: report.peakBytes[0] })}\n`);
}

const zeros = (...shape: number[]) =>
  floatTensor(new Float32Array(shape.reduce((product, side) => product * side, 1)), shape);
const channels = 128;
const ofSize = ({ frames: f, height: h, width: w }: LatentSize) => zeros(1, channels, f, h, w);
const sound = audioLatentCount(plan.modelFrames, plan.fps);

await phase('denoise', async () => {
  const transformer = await model.transformer();
  const context = { video: zeros(1024, 3840), audio: zeros(1024, 3840) };
  const stage = transformer.prepareStage(videoPositions(latent, plan.fps), audioPositions(sound), context);
  const tokens = tokenCount(latent);
  const video = { tokens: new Float32Array(tokens * channels), timesteps: new Float32Array(tokens).fill(1) };
  const audio = { tokens: new Float32Array(sound * channels), timesteps: new Float32Array(sound) };
  const { residuals } = await transformer.evaluate(stage, video, audio, { record: reuses });
  if (reuses) await transformer.evaluate(stage, video, audio, { replay: residuals });
});
await phase('audio', async () => {
  await using session = await model.audioEncoder();
  await session.run({ mel: zeros(1, 2, 4 * sound - 3, 64) });
});
await phase('upscale', async () => {
  await using session = await model.upsampler();
  await session.run({ latent: ofSize(small) });
});
await phase('decode', async () => {
  await using session = await model.videoDecoder();
  await session.run({ latent: ofSize(largestTile(latent, plan.tiling)) });
});
// Of the next clip.
await phase('text', () => model.encodePrompts(['a dog']));
