import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { FilmInput } from '../contract/film/film-schema.ts';
import type { InputWithLoras as Input } from '../contract/input/input.ts';
import { type Fetcher, openFetcher } from '../fetching/fetcher.ts';
import { parseHubReference } from '../fetching/loras/hub-reference.ts';
import type { WeightSet } from '../models/weight-folder.ts';
import { readConfiguration } from '../shared/configuration.ts';
import { SoundstageError } from '../shared/errors.ts';
import { Lazy } from '../shared/lazy.ts';

/** Takes files of one's own where they are; what else endpoints take it fetches as a server does, under the same settings. */
export class LocalFirst implements AsyncDisposable {
  readonly #configuration = readConfiguration(process.env);
  readonly #fetcher = new Lazy(() => openFetcher(this.#configuration));

  get timeout(): number {
    return this.#configuration.SOUNDSTAGE_FETCH_TIMEOUT * 1000;
  }

  readonly input: Fetcher['input'] = async (name, options) => {
    if (!isAddress(name)) return resolve(name);
    return await (await this.#fetcher.get()).input(name, options);
  };

  readonly lora: Fetcher['lora'] = async (reference, index, options) => {
    const { path, scale } = reference;
    const { included = {} } = options;
    const known = (await isFile(path)) ? resolve(path) : Object.hasOwn(included, path) ? included[path] : undefined;
    if (known !== undefined) return { path: known, scale, [Symbol.dispose]: () => {} };
    return await (await this.#fetcher.get()).lora(reference, index, options);
  };

  /**
   * Looks whether the files that an input names are there, as far as that can be told without fetching anything.
   *
   * @throws SoundstageError `input`
   */
  async requireFiles(input: Input, { loras: included = {} }: Pick<WeightSet, 'loras'>): Promise<void> {
    for (const field of ['audio_url', 'image_url', 'end_image_url'] as const) {
      const name = input[field];
      if (name !== undefined && !isAddress(name) && !(await isFile(name))) {
        throw new SoundstageError('input', `${field} ${name} does not exist, or is no file`, { field });
      }
    }
    const hasFolder = this.#configuration.SOUNDSTAGE_LORA_FOLDER !== undefined;
    for (const [index, { path }] of input.loras.entries()) {
      const isElsewhere = isAddress(path) || (parseHubReference(path) !== undefined && !path.endsWith('.safetensors'));
      if (path === '' || isElsewhere || hasFolder || Object.hasOwn(included, path) || (await isFile(path))) continue;
      const names = Object.keys(included);
      const others = names.length === 0 ? '' : `; with these weights come ${names.join(', ')}`;
      throw new SoundstageError('input', `LoRA ${path} does not exist${others}`, { field: `loras.${index}.path` });
    }
  }

  /** The same for the pictures of a film. @throws SoundstageError `input` */
  async requireImages({ anchor_url, image_url, parts = [] }: FilmInput): Promise<void> {
    const named: readonly (readonly [string, string | undefined])[] = [
      ['anchor_url', anchor_url],
      ['image_url', image_url],
      ...parts.map((part, index) => [`parts.${index}.image_url`, part.image_url] as const),
    ];
    for (const [field, name] of named) {
      if (name === undefined || isAddress(name) || (await isFile(name))) continue;
      throw new SoundstageError('input', `${field} ${name} does not exist, or is no file`, { field });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#fetcher.made)?.[Symbol.asyncDispose]();
  }
}

export function isAddress(name: string): boolean {
  return /^(?:https?|data):/i.test(name);
}

async function isFile(name: string): Promise<boolean> {
  const found = await stat(name).catch(() => undefined);
  return found?.isDirectory() === false;
}
