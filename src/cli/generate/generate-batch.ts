import { resolve } from 'node:path';
import { LocalFirst } from '../../local/local-first.ts';
import { openChecker } from '../../local/make-clip.ts';
import { MediaService } from '../../media/media-service.ts';
import { chooseDevice } from '../../pipeline/choose-device.ts';
import { Engine } from '../../pipeline/engine/engine.ts';
import { enginePlaces } from '../../pipeline/engine-places.ts';
import { readConfiguration } from '../../shared/configuration.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { Lazy } from '../../shared/lazy.ts';
import type { TextOutput } from '../reporting.ts';
import { readJobs } from './batch-jobs.ts';
import { type GenerateFlags, requestFields } from './generate-flags.ts';
import type { ModelFlags } from './model-flags.ts';
import { runBatch } from './run-batch.ts';

export interface BatchFlags extends ModelFlags {
  /** File with the jobs. */
  readonly batch: string;
  readonly output?: string;
  readonly preview?: string;
  readonly quiet?: boolean;
}

export interface BatchOutputs {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
}

/** Where the clips go unless `--output` says otherwise. */
const defaultFolder = 'clips';

/**
 * `soundstage generate --batch`: a clip of every line, on every GPU at the same time.
 *
 * @returns the exit code
 */
export async function generateBatch(
  flags: GenerateFlags & BatchFlags,
  signal: AbortSignal,
  { stdout, stderr }: BatchOutputs = process,
): Promise<number> {
  if (flags.preview !== undefined) {
    throw new SoundstageError('input', '--preview is for a single clip: leave it or --batch out', { field: 'preview' });
  }
  const { model, gpuMemory, precision } = flags;
  const defaults = requestFields(flags);
  const jobs = await readJobs(flags.batch, { model, defaults });
  const onNote = (note: string): void => void (flags.quiet || stderr.write(`${note}\n`));
  const { SOUNDSTAGE_GPUS } = readConfiguration(process.env);
  const wanted = { SOUNDSTAGE_DEVICE: flags.device, SOUNDSTAGE_GPUS };
  const places = await enginePlaces(wanted, { signal, onWarning: onNote });
  await using own = new AsyncDisposableStack();
  const media = own.use(new MediaService());
  const checker = own.use(openChecker());
  const names = own.use(new LocalFirst());
  const studios = places.map(({ device, gpu }) => ({
    ...{ model, checker, names },
    device: new Lazy(() => chooseDevice(device, { signal, gpu, gpuMemory, precision })),
    services: { media, engine: own.use(new Engine({ gpu })) },
  }));
  const folder = resolve(flags.output ?? defaultFolder);
  return await runBatch({ jobs, file: flags.batch, folder, defaults, studios, signal, stdout, onNote });
}
