import type { Output } from '../../../src/contract/output.ts';

/** What a request named, as it was sent. */
export type Payload = Readonly<Record<string, unknown>>;

/** A request that is over. */
interface Ended {
  readonly id: string;
  /** Id of its endpoint. */
  readonly endpoint: string;
  readonly input: Payload;
  readonly sentAt: Date;
}

/** A finished clip. */
export interface Clip extends Ended {
  readonly output: Output;
  /** Seconds it waited for a worker. */
  readonly waited: number | undefined;
  /** Seconds it took to make. */
  readonly made: number | undefined;
}

/** A request that brought no clip. */
export interface Attempt extends Ended {
  /** Undefined: it was cancelled. */
  readonly problem: string | undefined;
}

export type Entry = Clip | Attempt;

export function isClip(entry: Entry): entry is Clip {
  return 'output' in entry;
}

export function isPicture({ output }: Clip): boolean {
  return output.video.content_type === 'image/gif';
}

export function promptOf(entry: Entry): string {
  const { prompt } = entry.input;
  if (typeof prompt === 'string') return prompt;
  return isClip(entry) ? entry.output.prompt : '';
}

/** The camera move and the adapters a request asked for. */
export function lorasOf({ input }: Entry): readonly string[] {
  const { camera_lora: camera, loras } = input;
  const moves = typeof camera === 'string' && camera !== 'none' ? [camera] : [];
  const paths = Array.isArray(loras) ? loras.map((lora: { readonly path?: unknown }) => lora.path) : [];
  return [...moves, ...paths.filter((path) => typeof path === 'string')];
}

/** Whether all the words are in a request's texts, the names of its files or its seed. */
export function mentions(entry: Entry, words: string): boolean {
  const output = isClip(entry) ? [entry.output.prompt, String(entry.output.seed)] : [];
  const text = [...stringsIn(entry.input), ...output].join('\n').toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

function stringsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}
