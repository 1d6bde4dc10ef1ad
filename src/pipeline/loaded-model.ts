import { graphTargets } from '../graph/graph-core.ts';
import { Session } from '../graph/session.ts';
import { buildAudioDecoder } from '../ltx2/audio/audio-decoder.ts';
import { buildAudioEncoder } from '../ltx2/audio/audio-encoder.ts';
import { buildVocoder } from '../ltx2/audio/vocoder.ts';
import { type Checkpoint, configSection, openCheckpoint } from '../ltx2/checkpoint.ts';
import { type AudioVaeConfig, parseConfig, type VocoderConfig } from '../ltx2/config.ts';
import { type AppliedLora, readLora, requireMatch } from '../ltx2/lora.ts';
import { PromptEncoder } from '../ltx2/text/prompt-encoder.ts';
import { transformerLinears } from '../ltx2/transformer/modules.ts';
import type { TextContexts } from '../ltx2/transformer/velocity.ts';
import { VelocityModel } from '../ltx2/transformer/velocity.ts';
import { buildLatentUpsampler } from '../ltx2/video/latent-upsampler.ts';
import { buildVideoDecoder } from '../ltx2/video/video-decoder.ts';
import { buildVideoEncoder } from '../ltx2/video/video-encoder.ts';
import type { LoraChoice } from './clip-settings.ts';
import type { Plan } from './plan.ts';
import { convolutionSession, transformerSession } from './session-options.ts';

/** Parts of the model that are open at the same time on a device with its own memory. */
type Part =
  | 'text'
  | 'audioEncoder'
  | 'imageEncoder'
  | 'transformer'
  | 'upsampler'
  | 'videoDecoder'
  | 'audioDecoder'
  | 'vocoder';

const rememberedPrompts = 8;

/**
 * The networks of one set of weights on one device. Each is opened when first needed and kept for the next clip; on a
 * device with its own memory, where they do not all fit, `release` closes all but the transformer between phases.
 */
export class LoadedModel implements AsyncDisposable {
  readonly key: string;
  readonly bundle: Checkpoint;
  readonly audioConfig: AudioVaeConfig;
  readonly vocoderConfig: VocoderConfig;
  readonly #plan: Pick<Plan, 'weights' | 'device'>;
  readonly #parts = new Map<Part, Promise<AsyncDisposable>>();
  readonly #contexts = new Map<string, TextContexts>();
  #transformerKey = '';

  private constructor(plan: Pick<Plan, 'weights' | 'device'>, bundle: Checkpoint) {
    this.key = LoadedModel.keyOf(plan);
    this.#plan = plan;
    this.bundle = bundle;
    this.audioConfig = parseConfig('audio_vae', configSection(bundle, 'audio_vae'), bundle.path);
    this.vocoderConfig = parseConfig('vocoder', configSection(bundle, 'vocoder'), bundle.path);
  }

  static async open(plan: Pick<Plan, 'weights' | 'device'>): Promise<LoadedModel> {
    return new LoadedModel(plan, await openCheckpoint(plan.weights.bundle));
  }

  static keyOf({ weights, device }: Pick<Plan, 'weights' | 'device'>): string {
    return JSON.stringify([weights, device]);
  }

  /** Contexts of a prompt; those of the last few prompts are remembered. */
  async encodePrompt(prompt: string): Promise<TextContexts> {
    const known = this.#contexts.get(prompt);
    if (known !== undefined) return known;
    const encoder = await this.#part('text', () =>
      PromptEncoder.open({
        encoder: this.#plan.weights.textEncoder,
        bundle: this.#plan.weights.bundle,
        target: this.#target,
      }),
    );
    const { videoContext, audioContext } = await encoder.encode(prompt);
    const contexts = { video: withoutBatch(videoContext), audio: withoutBatch(audioContext) };
    const [oldest] = this.#contexts.keys();
    if (this.#contexts.size >= rememberedPrompts && oldest !== undefined) this.#contexts.delete(oldest);
    this.#contexts.set(prompt, contexts);
    return contexts;
  }

  /** The transformer with these LoRAs; another choice of LoRAs replaces the one before. */
  async transformer({ loras, timestepVariant }: Pick<Plan, 'loras' | 'timestepVariant'>): Promise<VelocityModel> {
    const key = JSON.stringify([loras, timestepVariant]);
    if (key !== this.#transformerKey) await this.#close('transformer');
    this.#transformerKey = key;
    return this.#part('transformer', async () => {
      const applied = await this.#readLoras(loras);
      return new VelocityModel(this.bundle, {
        target: this.#target,
        variant: timestepVariant,
        loras: applied,
        session: transformerSession,
      });
    });
  }

  audioEncoder(): Promise<Session> {
    return this.#session('audioEncoder', () => buildAudioEncoder(this.#target, this.bundle, this.audioConfig));
  }

  imageEncoder(): Promise<Session> {
    return this.#session('imageEncoder', () => buildVideoEncoder(this.bundle, this.#target));
  }

  async upsampler(): Promise<Session> {
    const upscaler = await openCheckpoint(this.#plan.weights.upscaler);
    return this.#session('upsampler', () => buildLatentUpsampler(upscaler, this.bundle, this.#target));
  }

  videoDecoder(): Promise<Session> {
    return this.#session('videoDecoder', () => buildVideoDecoder(this.bundle, this.#target, 'planar'));
  }

  audioDecoder(): Promise<Session> {
    return this.#session('audioDecoder', () => buildAudioDecoder(this.#target, this.bundle, this.audioConfig));
  }

  vocoder(): Promise<Session> {
    return this.#session('vocoder', () => buildVocoder(this.#target, this.bundle, this.vocoderConfig));
  }

  /** Ends a phase: frees device memory for the next one. On the CPU weights are mapped and everything stays. */
  async release(): Promise<void> {
    if (this.#plan.device === 'cpu') return;
    for (const part of [...this.#parts.keys()]) if (part !== 'transformer') await this.#close(part);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of [...this.#parts.keys()]) await this.#close(part);
  }

  get #target() {
    return graphTargets[this.#plan.device];
  }

  #session(part: Part, build: () => Parameters<typeof Session.open>[0]): Promise<Session> {
    return this.#part(part, () => Session.open(build(), convolutionSession));
  }

  #part<Kind extends AsyncDisposable>(part: Part, open: () => Promise<Kind>): Promise<Kind> {
    const known = this.#parts.get(part);
    // Each part is only ever opened by the one method that states its kind.
    if (known !== undefined) return known as Promise<Kind>;
    const opened = open();
    this.#parts.set(part, opened);
    // A part that failed to open may be tried again.
    opened.catch(() => this.#parts.delete(part));
    return opened;
  }

  async #close(part: Part): Promise<void> {
    const open = this.#parts.get(part);
    this.#parts.delete(part);
    await (await open)?.[Symbol.asyncDispose]();
  }

  async #readLoras(choices: readonly LoraChoice[]): Promise<AppliedLora[]> {
    const modules = transformerLinears(this.bundle);
    return Promise.all(
      choices.map(async ({ path, scale }) => {
        const lora = await readLora(path, modules);
        requireMatch(lora);
        return { lora, strength: scale };
      }),
    );
  }
}

function withoutBatch<Tensor extends { readonly shape: readonly number[] }>(tensor: Tensor): Tensor {
  return { ...tensor, shape: tensor.shape.slice(1) };
}
