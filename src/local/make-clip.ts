import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clipSettings, drawSeed } from '../contract/input/clip-settings.ts';
import type { InputWithLoras as Input } from '../contract/input/input.ts';
import { fetchInputs } from '../jobs/making/fetch-inputs.ts';
import { resolveWeights } from '../models/resolve-weights.ts';
import type { ChosenDevice } from '../pipeline/choose-device.ts';
import type { Preview, Progress } from '../pipeline/engine/engine-messages.ts';
import { type Clip, type ClipServices, generateClip } from '../pipeline/generate-clip.ts';
import { SafetyChecker } from '../safety/safety-checker.ts';
import { configurationSchema } from '../shared/configuration.ts';
import type { Lazy } from '../shared/lazy.ts';
import type { LocalFirst } from './local-first.ts';

/** What clips and films are made with on this machine, one at a time. */
export interface Studio {
  /** Id or folder of the weights. */
  readonly model: string;
  readonly device: Lazy<ChosenDevice>;
  readonly services: ClipServices;
  readonly checker: SafetyChecker;
  readonly names: LocalFirst;
}

export interface MakingOptions {
  /** Path of the clip. */
  readonly output: string;
  readonly signal?: AbortSignal | undefined;
  /** Decisions the user should hear about. */
  readonly onNote?: ((note: string) => void) | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly onPreview?: ((preview: Preview) => void | Promise<void>) | undefined;
}

/** Makes one clip of a valid input. @throws SoundstageError */
export async function makeClip(input: Input, studio: Studio, options: MakingOptions): Promise<Clip> {
  const { signal, onNote } = options;
  const cameras = input.camera_lora === 'none' ? [] : [input.camera_lora];
  const weights = await resolveWeights(studio.model, { cameras });
  await studio.names.requireFiles(input, weights);
  await using folder = await temporaryFolder();
  const context = {
    folder: folder.path,
    ...(signal && { signal }),
    log: (_level: string, message: string) => onNote?.(message),
  };
  await using fetched = await fetchInputs(input, { fetcher: studio.names, weights }, context);
  const { device, memory, precision, notes } = await studio.device.get();
  for (const note of notes) onNote?.(note);
  const { seed = drawSeed() } = input;
  const settings = clipSettings(input, fetched.files, { seed, device, deviceMemory: memory, precision });
  const inspector = input.enable_safety_checker ? studio.checker : undefined;
  return await generateClip(settings, weights, studio.services, { ...options, inspector });
}

/** Of prompts and pictures, as the environment wants it. */
export function openChecker(): SafetyChecker {
  const setting = configurationSchema.shape.SOUNDSTAGE_SAFETY_MODEL;
  return new SafetyChecker({ model: setting.parse(process.env.SOUNDSTAGE_SAFETY_MODEL || undefined) });
}

/** Goes with all that is in it. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'soundstage-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
