import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { FilmInput, Score } from '../contract/film/film-schema.ts';
import type { ChosenDevice } from '../pipeline/choose-device.ts';
import { SoundstageError } from '../shared/errors.ts';
import { tryLockFile } from '../shared/folders/file-lock.ts';
import { errorCode } from '../shared/system-code.ts';
import { partAt } from './part-clip.ts';

/** What is known of a part that is made. */
export interface PartRecord {
  /** Tells its making from any other. */
  readonly id: string;
  /** Of what the score says of it. */
  readonly key: string;
  /** Id of the part that it continues. */
  readonly before?: string | undefined;
  /** Seconds that it took. */
  readonly seconds: number;
  readonly frames: number;
  /** Bytes of its file. */
  readonly bytes: number;
  /** The prompt actually used. */
  readonly prompt: string;
}

/** What a film is made of, and from what. */
interface FilmRecord {
  readonly input: FilmInput;
  /** Of what was asked for; the score may have changed since. */
  readonly asked: string;
  readonly score: Score;
  /** What its parts are made with. */
  readonly model: string;
  readonly precision?: ChosenDevice['precision'];
}

const filmFile = 'film.json';
const [digits, unfinished] = [4, '.soundstage-'];

/** Where the parts of a film go: a folder beside it. */
export function partsFolder(output: string): string {
  return join(dirname(output), `${basename(output)}.parts`);
}

/**
 * What a film was begun with.
 *
 * @throws SoundstageError `input` where there is none
 */
export async function keptFilm(folder: string): Promise<Pick<FilmRecord, 'input' | 'model' | 'precision'>> {
  const record = await readJson<FilmRecord>(join(folder, filmFile));
  if (record !== undefined) return record;
  const message = `there is no film to go on with in ${folder}: give a recording and a prompt`;
  throw new SoundstageError('input', message, { field: 'audio_url' });
}

/** The score that was made of the same input, parts made again included; undefined where there is none. */
export async function keptScore(folder: string, asked: string): Promise<Score | undefined> {
  const record = await readJson<FilmRecord>(join(folder, filmFile));
  return record?.asked === asked ? record.score : undefined;
}

/** The parts of a film in a folder of their own: what is in it is whole, whenever the process that wrote it died. */
export class PartStore implements Disposable {
  readonly folder: string;
  readonly #lock: Disposable;

  private constructor(folder: string, lock: Disposable) {
    this.folder = folder;
    this.#lock = lock;
  }

  /** @throws SoundstageError `device` where another process makes this film */
  static async open(folder: string): Promise<PartStore> {
    await mkdir(folder, { recursive: true });
    const lock = await tryLockFile(join(folder, 'lock'));
    if (lock === undefined) {
      throw new SoundstageError(
        'device',
        `another process is making this film, in ${folder}: wait for it, or choose another output`,
      );
    }
    const left = (await readdir(folder)).filter((name) => name.startsWith(unfinished) || name.endsWith('.partial'));
    for (const name of left) await rm(join(folder, name), { recursive: true, force: true });
    return new PartStore(folder, lock);
  }

  async keepScore(record: FilmRecord): Promise<void> {
    await this.#write(filmFile, record);
  }

  path(index: number): string {
    return join(this.folder, `part-${String(index + 1).padStart(digits, '0')}.mkv`);
  }

  /** The record of a part whose file is there. */
  async record(index: number): Promise<PartRecord | undefined> {
    const record = await readJson<PartRecord>(this.#recordPath(index));
    const file = await stat(this.path(index)).catch(() => undefined);
    return record?.bytes === file?.size ? record : undefined;
  }

  /** Before its file is written anew. */
  async forget(index: number): Promise<void> {
    await rm(this.#recordPath(index), { force: true });
  }

  /** Once its file is there. */
  async keep(index: number, record: Omit<PartRecord, 'bytes'>): Promise<PartRecord> {
    const { size: bytes } = await stat(this.path(index));
    const whole = { ...record, bytes };
    await this.#write(`part-${String(index + 1).padStart(digits, '0')}.json`, whole);
    return whole;
  }

  /** Removes parts that a longer score has left behind. */
  async removeFrom(count: number): Promise<void> {
    for (const name of await readdir(this.folder)) {
      const [, number] = /^part-(\d+)\.(?:mkv|json)$/.exec(name) ?? [];
      if (number !== undefined && Number(number) > count) await rm(join(this.folder, name), { force: true });
    }
  }

  /** Removes everything. */
  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }

  #recordPath(index: number): string {
    return this.path(index).replace(/\.mkv$/, '.json');
  }

  async #write(name: string, value: unknown): Promise<void> {
    const path = join(this.folder, name);
    await writeFile(`${path}.partial`, `${JSON.stringify(value, null, 2)}\n`);
    await rename(`${path}.partial`, path);
  }
}

/** Whether a part that is there is the one of the score, of which `key` says what it is to be; `before` is what it follows. */
export function isCurrent(
  score: Score,
  index: number,
  record: PartRecord | undefined,
  { key, before }: { readonly key: string; readonly before: PartRecord | undefined },
): record is PartRecord {
  if (record?.key !== key) return false;
  const meets = index > 0 && partAt(score, index - 1).meets_next;
  return !partAt(score, index).continues || meets || record.before === before?.id;
}

/** Tells values apart. */
export function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}

async function readJson<Value>(path: string): Promise<Value | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Value;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
