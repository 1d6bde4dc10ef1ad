import { randomInt } from 'node:crypto';
import type { ClipSettings, LoraChoice } from '../../pipeline/plan/plan.ts';
import type { Input } from './input.ts';
import { defaultNegativePrompt } from './input-schema.ts';
import { videoSizePresets } from './presets.ts';

/** What a request names, as files on this machine. */
export interface ClipFiles {
  readonly audio: string;
  readonly image?: string | undefined;
  readonly endImage?: string | undefined;
  /** Of the camera move, where one is asked for. */
  readonly cameraLora?: string | undefined;
  /** In the order of the request, entries with an empty path left out. */
  readonly loras: readonly LoraChoice[];
}

/** A seed for a request that names none. */
export function drawSeed(): number {
  return randomInt(2 ** 32);
}

/** What a clip should be, from what was asked for. Fields that mean the same for the pipeline are taken as they are. */
export function clipSettings(
  input: Input,
  { cameraLora, loras, ...files }: ClipFiles,
  options: Pick<ClipSettings, 'seed' | 'device' | 'deviceMemory' | 'precision'>,
): ClipSettings {
  const { video_size: size, negative_prompt: negative } = input;
  const camera = cameraLora === undefined ? [] : [{ path: cameraLora, scale: input.camera_lora_scale }];
  const isGuided = negative.trim() !== '' && negative !== defaultNegativePrompt;
  return {
    ...inCamelCase(input),
    ...files,
    ...options,
    videoSize: typeof size === 'string' && size !== 'auto' ? videoSizePresets[size] : size,
    negativePrompt: isGuided ? negative : undefined,
    loras: [...camera, ...loras],
  };
}

type CamelCase<Name> = Name extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelCase<Tail>>}` : Name;

type InCamelCase<Fields> = { [Name in keyof Fields as CamelCase<Name>]: Fields[Name] };

function inCamelCase<Fields extends object>(fields: Fields): InCamelCase<Fields> {
  const entries = Object.entries(fields).map(([name, value]) => [camelCase(name), value]);
  return Object.fromEntries(entries);
}

function camelCase(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
