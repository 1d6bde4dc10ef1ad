import { join } from 'node:path';
import type { GraphModel } from '../../src/graph/graph-model.ts';
import { graphTargets } from '../../src/graph/graph-target.ts';
import { networkGraph } from '../../src/graph/network.ts';
import { floatTensor, type HostTensor, indexTensor } from '../../src/graph/runtime/host-tensor.ts';
import { Session, type SessionOptions, type Tensors } from '../../src/graph/runtime/session.ts';
import type { TensorGroup } from '../../src/graph/tensor-group.ts';
import { type Checkpoint, joinCheckpoints, openCheckpoint } from '../../src/graph/weights/checkpoint.ts';
import { audioDecoder } from '../../src/ltx2/audio/audio-decoder.ts';
import { audioEncoder } from '../../src/ltx2/audio/audio-encoder.ts';
import { audioVaeConfigOf } from '../../src/ltx2/audio/audio-latents.ts';
import { vocoder, vocoderConfigOf } from '../../src/ltx2/audio/vocoder.ts';
import { configOf, upsamplerConfigOf } from '../../src/ltx2/config.ts';
import { tokenCount } from '../../src/ltx2/sampling/latent-tokens.ts';
import {
  audioPositions,
  type LatentSize,
  type TokenPositions,
  videoPositions,
} from '../../src/ltx2/sampling/positions.ts';
import { textContext, textContextFeeds } from '../../src/ltx2/text/context/text-context.ts';
import { openTextEncoder } from '../../src/ltx2/text/gemma/gemma-folder.ts';
import { transformerConfigOf } from '../../src/ltx2/transformer/transformer.ts';
import { VelocityModel } from '../../src/ltx2/transformer/velocity.ts';
import { latentUpsampler } from '../../src/ltx2/video/latent-upsampler.ts';
import { videoDecoder } from '../../src/ltx2/video/video-decoder.ts';
import { videoEncoder } from '../../src/ltx2/video/video-encoder.ts';
import { int8Linears } from '../../src/pipeline/engine/int8-cache.ts';
import { convolutionSession, soundSession, transformerSession } from '../../src/pipeline/engine/session-options.ts';
import { audioTokenWidth, type CheckpointSizes } from '../checkpoint/checkpoint-shapes.ts';
import { someValues } from '../stopwatch.ts';

/** A network of Soundstage's, open. */
export interface OpenNetwork extends AsyncDisposable {
  run(): Promise<Tensors>;
}

/** What both implementations compute, from equal inputs on equal weights. */
export interface Row {
  readonly name: string;
  /** The function of `published.py` that makes the network. */
  readonly network: string;
  /** For the reference. */
  readonly inputs: Readonly<Record<string, HostTensor>>;
  open(): Promise<OpenNetwork>;
  /** The same with layers in eight bits, where there is such a form. */
  openInt8?(): Promise<OpenNetwork>;
}

/** Every processor time is of one core. */
const oneThread = { threads: 1 } as const;
const target = graphTargets.cpu;
/** Five seconds of sound. */
const audioLatents = 121;

/** The rows for a checkpoint that `randomCheckpoint` has written to `folder`. */
export async function comparedRows(folder: string, sizes: CheckpointSizes): Promise<Row[]> {
  const bundle = await openCheckpoint(join(folder, 'random.safetensors'));
  const upscaler = await openCheckpoint(join(folder, 'random-spatial-upscaler-x2.safetensors'));
  const vae = configOf(bundle, 'vae');
  const { latentChannels: channels, audioLatentChannels } = sizes;
  const audio = audioVaeConfigOf(bundle);
  const melFrames = 4 * audioLatents - 3;
  return [
    transformerRow(bundle, { frames: 4, height: 12, width: 16 }),
    transformerRow(bundle, { frames: 16, height: 12, width: 16 }),
    transformerRow(bundle, { frames: 16, height: 24, width: 32 }),
    networkRow('video decoder, 512×384×57', 'video_decoder', {
      graph: () => networkGraph(videoDecoder, target, bundle, vae),
      feeds: { latent: someValues([1, channels, 8, 12, 16]) },
    }),
    networkRow('video encoder, one image 512×384', 'video_encoder', {
      graph: () => networkGraph(videoEncoder, target, bundle, vae),
      feeds: { video: someValues([1, 3, 1, 384, 512]) },
    }),
    networkRow('latent upsampler, 16×12×16', 'upsampler', {
      graph: () =>
        networkGraph(latentUpsampler, target, joinCheckpoints(upscaler, bundle), {
          ...upsamplerConfigOf(upscaler),
          size: { frames: 16, height: 12, width: 16 },
        }),
      feeds: { latent: someValues([1, channels, 16, 12, 16]) },
    }),
    await textEncoderRow(folder, bundle),
    networkRow('audio encoder, 5 s', 'audio_encoder', {
      graph: () => networkGraph(audioEncoder, target, bundle, audio),
      feeds: { mel: someValues([1, 2, melFrames, 64]) },
      session: soundSession,
    }),
    networkRow('audio decoder, 5 s', 'audio_decoder', {
      graph: () => networkGraph(audioDecoder, target, bundle, audio),
      feeds: { latent: someValues([1, audioLatentChannels, audioLatents, 16]) },
      session: soundSession,
    }),
    networkRow('vocoder, 5 s', 'vocoder', {
      graph: () => networkGraph(vocoder, target, bundle, vocoderConfigOf(bundle)),
      feeds: { mel: someValues([1, 2, melFrames, 64]) },
      session: soundSession,
    }),
  ];

  function transformerRow(checkpoint: Checkpoint, size: LatentSize): Row {
    const config = transformerConfigOf(checkpoint);
    const text = [1024, config.caption_channels];
    const [video, sound] = [videoPositions(size, 25), audioPositions(audioLatents)];
    const tokens = tokenCount(size);
    const inputs = {
      sigma: floatTensor(Float32Array.of(0.725), [1]),
      video_tokens: someValues([1, tokens, channels]),
      audio_tokens: someValues([1, audioLatents, audioTokenWidth(sizes)]),
      video_positions: batchOfPositions(video),
      audio_positions: batchOfPositions(sound),
      video_context: someValues([1, ...text]),
      audio_context: someValues([1, ...text]),
    };
    return {
      name: `transformer, ${tokens.toLocaleString('en')} tokens`,
      network: 'dit',
      inputs,
      open: () => opened(checkpoint),
      openInt8: async () =>
        opened(joinCheckpoints(checkpoint, await int8Linears(checkpoint, { folder: join(folder, 'int8') }))),
    };

    function opened(weights: Checkpoint): Promise<OpenNetwork> {
      const model = new VelocityModel(weights, { target, session: { ...transformerSession, ...oneThread } });
      const stage = model.prepareStage(video, sound, {
        video: floatTensor(inputs.video_context.data, text),
        audio: floatTensor(inputs.audio_context.data, text),
      });
      const [sigma = 0] = inputs.sigma.data;
      const step = (data: Float32Array, count: number) => ({
        tokens: data,
        timesteps: new Float32Array(count).fill(sigma),
      });
      const [videoStep, audioStep] = [
        step(inputs.video_tokens.data, tokens),
        step(inputs.audio_tokens.data, audioLatents),
      ];
      return Promise.resolve({
        async run() {
          const made = await model.evaluate(stage, videoStep, audioStep);
          return {
            'video.velocity': floatTensor(made.video, inputs.video_tokens.shape),
            'audio.velocity': floatTensor(made.audio, inputs.audio_tokens.shape),
          };
        },
        [Symbol.asyncDispose]: () => model[Symbol.asyncDispose](),
      });
    }
  }
}

async function textEncoderRow(folder: string, bundle: Checkpoint): Promise<Row> {
  const encoder = await openTextEncoder(join(folder, 'gemma'));
  const config = { encoder, transformer: transformerConfigOf(bundle), length: 1024 };
  const ids = indexTensor(Array.from({ length: 128 }, (_, index) => index + 3));
  const given = networkRow('text encoder, 128 of 1,024 rows', 'text_encoder', {
    graph: () => networkGraph(textContext, target, joinCheckpoints(encoder.checkpoint, bundle), config),
    feeds: { ids, ...textContextFeeds(config) },
    session: transformerSession,
  });
  return { ...given, inputs: { ids, length: indexTensor([config.length]) } };
}

interface NetworkParts {
  readonly graph: () => GraphModel;
  readonly feeds: TensorGroup<HostTensor>;
  readonly session?: SessionOptions;
}

/** A network whose inputs go by the same names in the reference. */
function networkRow(name: string, network: string, { graph, feeds, session = convolutionSession }: NetworkParts): Row {
  return {
    name,
    network,
    inputs: feeds as Record<string, HostTensor>,
    async open() {
      const opened = await Session.open(graph(), { ...session, ...oneThread });
      return { run: () => opened.run(feeds), [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
    },
  };
}

export function batchOfPositions({ bounds, tokens }: TokenPositions): HostTensor<'float32'> {
  return floatTensor(bounds, [1, bounds.length / tokens / 2, tokens, 2]);
}
