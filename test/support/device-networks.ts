import { referenceTransformer } from '../../src/cli/parity/reference-transformer.ts';
import { rgbVideoDecoder } from '../../src/cli/parity/rgb-video-decoder.ts';
import type { GraphModel } from '../../src/graph/graph-model.ts';
import type { GraphTarget } from '../../src/graph/graph-target.ts';
import { networkGraph } from '../../src/graph/network.ts';
import type { SessionOptions } from '../../src/graph/runtime/session.ts';
import { type Checkpoint, joinCheckpoints, openCheckpoint } from '../../src/graph/weights/checkpoint.ts';
import { adaptableModules } from '../../src/ltx2/adaptable-modules.ts';
import { audioDecoder } from '../../src/ltx2/audio/audio-decoder.ts';
import { audioEncoder } from '../../src/ltx2/audio/audio-encoder.ts';
import { audioVaeConfigOf } from '../../src/ltx2/audio/audio-latents.ts';
import { vocoder, vocoderConfigOf } from '../../src/ltx2/audio/vocoder.ts';
import { configOf, type TransformerConfig, upsamplerConfigOf } from '../../src/ltx2/config.ts';
import { mappedAdapters } from '../../src/ltx2/lora/adapters.ts';
import type { AppliedLora } from '../../src/ltx2/lora/lora.ts';
import { textContext } from '../../src/ltx2/text/context/text-context.ts';
import { type GemmaFolder, openTextEncoder } from '../../src/ltx2/text/gemma/gemma-folder.ts';
import { languageModel, seeingLanguageModel } from '../../src/ltx2/text/gemma/language-model-network.ts';
import { visionTower, visionTowerOf } from '../../src/ltx2/text/vision/vision-tower.ts';
import { type TransformerForm, transformer, transformerConfigOf } from '../../src/ltx2/transformer/transformer.ts';
import { latentUpsampler } from '../../src/ltx2/video/latent-upsampler.ts';
import { videoDecoder } from '../../src/ltx2/video/video-decoder.ts';
import { videoEncoder } from '../../src/ltx2/video/video-encoder.ts';
import { convolutionSession, soundSession, transformerSession } from '../../src/pipeline/engine/session-options.ts';
import { loraOfEveryKind } from './lora-of-every-kind.ts';
import { bundlePath, fp8BundlePath, gemmaPath, upscalerPath } from './parity-checkpoint.ts';
import { seeingGemmaPath } from './seeing-encoder.ts';

/** A network in one of its forms, as the engine opens it. */
export interface DeviceNetwork {
  readonly name: string;
  /** Of its session. */
  readonly options: SessionOptions;
  build(target: GraphTarget): GraphModel;
}

/** What networks are made of. */
export interface NetworkWeights {
  readonly bundle: Checkpoint;
  readonly fp8: Checkpoint;
  readonly upscaler: Checkpoint;
  readonly encoder: GemmaFolder;
  /** A text encoder with a vision tower; may be the same. */
  readonly seeing: GemmaFolder;
  /** Of the bundle; fewer blocks than it has make a shorter network. */
  readonly config: TransformerConfig;
  /** That some forms have in their graph. */
  readonly loras: readonly AppliedLora[];
}

/**
 * The parity checkpoint, and a LoRA of every kind.
 *
 * @param folder where the LoRA's file is written
 */
export async function parityWeights(folder: string): Promise<NetworkWeights> {
  const [bundle, fp8, upscaler, encoder, seeing] = await Promise.all([
    openCheckpoint(bundlePath),
    openCheckpoint(fp8BundlePath),
    openCheckpoint(upscalerPath),
    openTextEncoder(gemmaPath),
    openTextEncoder(seeingGemmaPath),
  ]);
  const loras = [{ lora: await loraOfEveryKind(folder, adaptableModules(bundle)), strength: 0.5 }];
  return { bundle, fp8, upscaler, encoder, seeing, config: transformerConfigOf(bundle), loras };
}

/** Every network that runs on devices, in every form. */
export function deviceNetworks(weights: NetworkWeights): readonly DeviceNetwork[] {
  const { bundle, fp8, upscaler, encoder, seeing, config, loras } = weights;
  const tower = visionTowerOf(seeing);
  if (tower === undefined) throw new Error('the encoder has no vision tower');
  const general: TransformerForm = { config, perToken: { video: true, audio: true } };
  const textConfig = { encoder, transformer: config, length: 1024 };
  const textWeights = joinCheckpoints(encoder.checkpoint, bundle);

  const transformers: readonly [name: string, build: DeviceNetwork['build']][] = [
    ['transformer', (target) => networkGraph(transformer, target, bundle, general)],
    [
      'transformer, shared timesteps',
      (target) => networkGraph(transformer, target, bundle, { config, perToken: { video: false, audio: false } }),
    ],
    [
      'transformer, timesteps shared by the audio',
      (target) => networkGraph(transformer, target, bundle, { config, perToken: { video: true, audio: false } }),
    ],
    [
      'transformer with LoRAs of every kind',
      (target) => networkGraph(transformer, target, bundle, general, mappedAdapters(loras)),
    ],
    ['transformer, fp8 weights', (target) => networkGraph(transformer, target, fp8, general)],
    [
      'transformer, cross',
      (target) => networkGraph(referenceTransformer, target, bundle, { ...general, variant: 'cross' }),
    ],
    [
      'transformer with guidance',
      (target) => networkGraph(transformer, target, bundle, { ...general, guidance: true }),
    ],
    [
      'transformer, recording',
      (target) => networkGraph(transformer, target, bundle, { ...general, residuals: 'record' }),
    ],
    [
      'transformer, replaying',
      (target) => networkGraph(transformer, target, bundle, { ...general, residuals: 'replay' }),
    ],
    ['text contexts', (target) => networkGraph(textContext, target, textWeights, textConfig)],
    [
      'text contexts with LoRAs of every kind',
      (target) => networkGraph(textContext, target, textWeights, textConfig, mappedAdapters(loras)),
    ],
    ['language model', (target) => networkGraph(languageModel, target, encoder.checkpoint, encoder)],
    ['language model that can see', (target) => networkGraph(seeingLanguageModel, target, seeing.checkpoint, seeing)],
    ['vision tower', (target) => networkGraph(visionTower, target, seeing.checkpoint, tower)],
  ];
  const convolutions: readonly [name: string, build: DeviceNetwork['build']][] = [
    ['video decoder', (target) => networkGraph(videoDecoder, target, bundle, configOf(bundle, 'vae'))],
    ['video decoder to bytes', (target) => networkGraph(rgbVideoDecoder, target, bundle, configOf(bundle, 'vae'))],
    ['video encoder', (target) => networkGraph(videoEncoder, target, bundle, configOf(bundle, 'vae'))],
    [
      'latent upsampler',
      (target) => networkGraph(latentUpsampler, target, joinCheckpoints(upscaler, bundle), upsamplerConfigOf(upscaler)),
    ],
  ];
  const sounds: readonly [name: string, build: DeviceNetwork['build']][] = [
    ['audio encoder', (target) => networkGraph(audioEncoder, target, bundle, audioVaeConfigOf(bundle))],
    ['audio decoder', (target) => networkGraph(audioDecoder, target, bundle, audioVaeConfigOf(bundle))],
    ['vocoder', (target) => networkGraph(vocoder, target, bundle, vocoderConfigOf(bundle))],
  ];
  return [
    ...transformers.map(([name, build]) => ({ name, build, options: transformerSession })),
    ...convolutions.map(([name, build]) => ({ name, build, options: convolutionSession })),
    ...sounds.map(([name, build]) => ({ name, build, options: soundSession })),
  ];
}
