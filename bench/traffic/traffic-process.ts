// Evaluates the transformer once at the sizes of the released model, with few blocks over a file of holes, on a stand-in GPU, and
// prints what was done. Its one argument is an `Evaluation` in JSON.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { evaluateDimension } from '../../src/graph/dimension.ts';
import { graphTargets } from '../../src/graph/graph-target.ts';
import { networkGraph } from '../../src/graph/network.ts';
import { floatTensor } from '../../src/graph/runtime/host-tensor.ts';
import { type Checkpoint, openCheckpoint } from '../../src/graph/weights/checkpoint.ts';
import { adaptableModules } from '../../src/ltx2/adaptable-modules.ts';
import { readLora } from '../../src/ltx2/lora/lora.ts';
import { audioPositions, videoPositions } from '../../src/ltx2/sampling/positions.ts';
import { transformer } from '../../src/ltx2/transformer/transformer.ts';
import { VelocityModel } from '../../src/ltx2/transformer/velocity.ts';
import { transformerSession } from '../../src/pipeline/engine/session-options.ts';
import { profiledNodes } from '../../test/cuda/placement.ts';
import { readStandInLog } from '../../test/cuda/stand-in-log.ts';
import { type Evaluation, sumOfTraffic } from './traffic.ts';

const evaluation = JSON.parse(process.argv[2] ?? '') as Evaluation;
const log = process.env.CUDA_STAND_IN_LOG ?? '';
const [audioTokens, textRows, noise] = [126, 1024, 0.5];
const folder = await mkdtemp(join(tmpdir(), 'soundstage-traffic-'));
try {
  process.stdout.write(JSON.stringify(await evaluated(evaluation)));
} finally {
  await rm(folder, { recursive: true });
}

async function evaluated({ bundle, lora, blocks, size, hasFirstImage }: Evaluation) {
  const checkpoint = shortened(await openCheckpoint(bundle), blocks);
  const loras = lora === undefined ? [] : [{ lora: await readLora(lora, adaptableModules(checkpoint)), strength: 1 }];
  const session = { ...transformerSession, profile: join(folder, 'profile') };
  const model = new VelocityModel(checkpoint, { target: graphTargets.cuda, loras, session });
  const { config } = model;
  const tokens = size.frames * size.height * size.width;
  const context = floatTensor(new Float32Array(textRows * config.caption_channels), [
    textRows,
    config.caption_channels,
  ]);
  const text = { video: context, audio: context };
  const stage = model.prepareStage(videoPositions(size, 25), audioPositions(audioTokens), text);
  const evaluate = () =>
    model.evaluate(
      stage,
      {
        tokens: new Float32Array(tokens * config.in_channels),
        timesteps: new Float32Array(tokens).fill(noise).fill(0, 0, hasFirstImage ? size.height * size.width : 0),
      },
      { tokens: new Float32Array(audioTokens * config.audio_in_channels), timesteps: new Float32Array(audioTokens) },
    );
  // The first evaluation opens the session.
  await evaluate();
  const { lines } = await readStandInLog(log);
  await evaluate();
  const report = await readStandInLog(log, lines);
  await model[Symbol.asyncDispose]();
  const [profile = ''] = await readdir(folder);
  const nodes = await profiledNodes(join(folder, profile));
  return sumOfTraffic({
    nodes: nodes.slice(nodes.length / 2),
    report,
    flops: flopsOf(checkpoint, { Nv: tokens, Na: audioTokens, S: textRows }),
  });
}

/** A checkpoint of which only the first blocks are used. */
function shortened(checkpoint: Checkpoint, blocks: number): Checkpoint {
  const config = z.looseObject({ transformer: z.looseObject({}) }).parse(checkpoint.config);
  return { ...checkpoint, config: { ...config, transformer: { ...config.transformer, num_layers: blocks } } };
}

/** Of one evaluation by the plain network. */
function flopsOf(checkpoint: Checkpoint, sizes: Readonly<Record<string, number>>): number {
  const { config } = new VelocityModel(checkpoint, { target: graphTargets.cpu });
  const form = { config, perToken: { video: false, audio: false } };
  const { flops } = networkGraph(transformer, graphTargets.cpu, checkpoint, form);
  const count = evaluateDimension(flops, new Map(Object.entries(sizes)));
  if (count === undefined) throw new Error(`the sizes do not determine ${flops}`);
  return count;
}
