import type { Picture, PictureFile } from '../media/raw/picture-file.ts';
import type { HubOptions } from '../models/hub/settings.ts';
import { SoundstageError } from '../shared/errors.ts';
import { Lazy } from '../shared/lazy.ts';
import { deviceVariables } from '../shared/processes/child-environment.ts';
import { ChildService } from '../shared/processes/child-service.ts';
import { FrameWatch, type WatchedClip } from './pictures/frame-watch.ts';
import { choosePictureModel, type PictureModel } from './pictures/picture-model.ts';
import { findRefusedContent } from './prompts/prompt-rules.ts';
import type { SafetyMethods } from './safety-methods.ts';

export interface SafetyCheckerOptions {
  /** Picture model: `auto` (default), `embedded`, `hub`, or a folder with a ViT classifier. */
  readonly model?: string | undefined;
  /** Where the hub's model is looked for. */
  readonly hub?: HubOptions | undefined;
}

/** Milliseconds one picture may take, loading the model included. */
const timeout = 120_000;

/**
 * Refuses explicit content: rules for prompts, a classifier for pictures. The classifier lives in a child process that
 * starts with the first picture; dispose to end it.
 *
 * A refusal is a SoundstageError `input` of type `content_policy_violation`.
 */
export class SafetyChecker implements AsyncDisposable {
  readonly #service = new ChildService<SafetyMethods>({
    module: new URL('./safety-process.ts', import.meta.url),
    title: 'the safety checker',
    variables: deviceVariables,
  });
  /** A choice that failed is made anew, since a fetch may have mended it. */
  readonly #model: Lazy<PictureModel>;

  constructor({ model = 'auto', hub }: SafetyCheckerOptions = {}) {
    this.#model = new Lazy(() => choosePictureModel(model, hub));
  }

  get pid(): number | undefined {
    return this.#service.pid;
  }

  /** @throws SoundstageError `content_policy_violation` for the field `prompt` */
  async checkPrompt(prompt: string): Promise<void> {
    const found = findRefusedContent(prompt);
    if (found !== undefined) throw contentPolicyViolation(`the prompt asks for ${found}`, 'prompt');
  }

  /** Probability that a picture is explicit, 0…1. */
  async explicitness(picture: Picture | PictureFile): Promise<number> {
    return this.#service.call('explicitness', { model: await this.#model.get(), picture }, { timeout });
  }

  /** @throws SoundstageError `content_policy_violation` for `field`; `weights`, `crash` if it cannot be judged */
  async checkPicture(picture: Picture | PictureFile, field: string): Promise<void> {
    await this.#judge(picture, 'the picture looks explicit', field);
  }

  /** Looks at a clip's frames as they are made, and loads the model meanwhile. Hits are blamed on the prompt. */
  watchFrames(clip: WatchedClip): FrameWatch {
    const check = (frame: Picture, index: number): Promise<void> =>
      this.#judge(frame, `frame ${index} of the clip looks explicit`, 'prompt');
    return new FrameWatch(clip, check, this.#load());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#service[Symbol.asyncDispose]();
  }

  async #judge(picture: Picture | PictureFile, what: string, field: string): Promise<void> {
    const { threshold } = await this.#model.get();
    if ((await this.explicitness(picture)) >= threshold) throw contentPolicyViolation(what, field);
  }

  async #load(): Promise<void> {
    await this.#service.call('load', await this.#model.get(), { timeout });
  }
}

/** The error of a request that the safety checker refuses, blamed on `field`. */
function contentPolicyViolation(what: string, field: string): SoundstageError {
  const advice = field === 'prompt' ? 'change the prompt' : 'choose another picture';
  return new SoundstageError('input', `${what}; the safety checker refuses that: ${advice}`, {
    field,
    type: 'content_policy_violation',
  });
}
