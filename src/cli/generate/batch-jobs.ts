import { createHash } from 'node:crypto';
import { appendFile, readFile, stat } from 'node:fs/promises';
import { SoundstageError } from '../../shared/errors.ts';
import { errorCode } from '../../shared/system-code.ts';
import type { ClipReport } from './clip-report.ts';

/** A line of a file of jobs. */
export interface BatchJob {
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
  /** Tells it from other lines, wherever it stands: lines that say the same are counted. */
  readonly key: string;
}

/** What was made of a job. */
export interface DoneJob {
  readonly key: string;
  readonly result: ClipReport;
}

/**
 * The lines of a file of jobs; empty ones are passed over.
 *
 * @param settings what else a clip depends on: with others, a line is another job
 * @throws SoundstageError `input`
 */
export async function readJobs(path: string, settings: unknown): Promise<readonly BatchJob[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (errorCode(cause) !== 'ENOENT') throw cause;
    throw new SoundstageError('input', `--batch ${path} does not exist`, { cause });
  });
  const times = new Map<string, number>();
  return text.split('\n').flatMap((raw, index): BatchJob[] => {
    const line = raw.trim();
    if (line === '') return [];
    const time = times.get(line) ?? 0;
    times.set(line, time + 1);
    const key = createHash('sha256')
      .update(JSON.stringify([line, time, settings]))
      .digest('hex')
      .slice(0, 16);
    return [{ line: index + 1, text: line, key }];
  });
}

/** What is done of a file of jobs, in a file beside it: `jobs.jsonl.done`, a line for each. */
export class BatchState {
  readonly #path: string;
  readonly #done: Map<string, ClipReport>;

  private constructor(path: string, done: Map<string, ClipReport>) {
    this.#path = path;
    this.#done = done;
  }

  static async open(jobs: string): Promise<BatchState> {
    const path = `${jobs}.done`;
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return '';
      throw error;
    });
    return new BatchState(path, new Map(text.split('\n').flatMap(readDone)));
  }

  /** What was made of a job; undefined where nothing was, or the clip is gone. */
  async resultOf({ key }: BatchJob): Promise<ClipReport | undefined> {
    const result = this.#done.get(key);
    if (result === undefined) return undefined;
    const found = await stat(result.video.url).catch(() => undefined);
    return found?.size === result.video.file_size ? result : undefined;
  }

  async add(done: DoneJob): Promise<void> {
    this.#done.set(done.key, done.result);
    await appendFile(this.#path, `${JSON.stringify(done)}\n`);
  }
}

/** A line that was not written to its end says nothing. */
function readDone(line: string): [string, ClipReport][] {
  if (line === '') return [];
  try {
    const { key, result }: DoneJob = JSON.parse(line);
    return [[key, result]];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
