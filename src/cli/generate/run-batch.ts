import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { audioToVideoLora } from '../../contract/endpoints/audio-to-video-lora.ts';
import { parseInput } from '../../contract/input/input.ts';
import { makeClip, type Studio } from '../../local/make-clip.ts';
import { videoFormat } from '../../media/video-settings.ts';
import { cancelled } from '../../shared/cancellation.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { exitCodes, type ReportedError, reportedError, type TextOutput } from '../reporting.ts';
import { type BatchJob, BatchState } from './batch-jobs.ts';
import { type ClipReport, clipReport } from './clip-report.ts';

export interface BatchOptions {
  readonly jobs: readonly BatchJob[];
  /** Path of the file with the jobs. */
  readonly file: string;
  /** Where the clips go; made if absent. */
  readonly folder: string;
  /** What lines leave open. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** One for each clip that is made at the same time. */
  readonly studios: readonly Studio[];
  readonly signal: AbortSignal;
  readonly stdout: TextOutput;
  readonly onNote: (note: string) => void;
}

/** A line of the output. */
type Outcome = { readonly line: number } & (
  | (ClipReport & {
      /** Made by an earlier run. */
      readonly resumed?: true;
    })
  | { readonly error: ReportedError }
);

/**
 * Makes a clip of every job that is not done yet, and writes one JSON object a line as they come. A job that fails does not keep
 * the others from being made.
 *
 * @returns the exit code: that of the first failure, else 0
 * @throws SoundstageError `cancelled`
 */
export async function runBatch(options: BatchOptions): Promise<number> {
  const { jobs, studios, signal, stdout, onNote } = options;
  await mkdir(options.folder, { recursive: true });
  const state = await BatchState.open(options.file);
  const waiting = jobs.values();
  let exitCode = 0;
  let finished = 0;
  const write = (outcome: Outcome): void => {
    finished += 1;
    stdout.write(`${JSON.stringify(outcome)}\n`);
    const what =
      'error' in outcome ? outcome.error.message : `${outcome.video.url}${outcome.resumed ? ' (made before)' : ''}`;
    onNote(`${finished}/${jobs.length}, line ${outcome.line}: ${what}`);
  };
  const work = async (studio: Studio): Promise<void> => {
    for (const job of waiting) {
      if (signal.aborted) return;
      const { line } = job;
      try {
        const before = await state.resultOf(job);
        const result = before ?? (await make(job, studio, options));
        if (before === undefined) await state.add({ key: job.key, result });
        write({ line, ...result, ...(before !== undefined && { resumed: true as const }) });
      } catch (error) {
        const reported = reportedError(error);
        if (reported === undefined) throw error;
        if (reported.kind === 'cancelled') return;
        exitCode ||= exitCodes[reported.kind];
        write({ line, error: reported });
      }
    }
  };
  await Promise.all(studios.map(work));
  if (signal.aborted) throw cancelled();
  return exitCode;
}

async function make(
  job: BatchJob,
  studio: Studio,
  { folder, defaults, signal, onNote }: BatchOptions,
): Promise<ClipReport> {
  const input = parseInput({ ...defaults, ...fieldsOf(job) }, audioToVideoLora);
  if (input.sync_mode) {
    throw new SoundstageError('input', 'sync_mode leaves no file, so a batch does not take it', { field: 'sync_mode' });
  }
  const name = `${String(job.line).padStart(4, '0')}-${job.key.slice(0, 8)}${videoFormat(input.video_output_type).extension}`;
  const say = (note: string): void => onNote(`line ${job.line}: ${note}`);
  const clip = await makeClip(input, studio, { output: join(folder, name), signal, onNote: say });
  return clipReport(clip, clip.file.path);
}

function fieldsOf({ line, text }: BatchJob): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new SoundstageError('input', `line ${line} is no JSON: ${cause.message}`, { cause });
  }
  throw new SoundstageError(
    'input',
    `line ${line} is no JSON object: write an input of the endpoint, such as {"prompt": "…"}`,
  );
}
