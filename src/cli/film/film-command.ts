import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { FilmInput, Score } from '../../contract/film/film-schema.ts';
import { parseFilm } from '../../contract/film/read-film.ts';
import { estimateFilm, type FilmEstimate } from '../../film/estimate.ts';
import { makeFilm, scoreOf } from '../../film/make-film.ts';
import { keptFilm, partsFolder } from '../../film/part-store.ts';
import { timeOf } from '../../film/prompt-timeline.ts';
import { filmFiles, filmStudio, withAbsolutePaths } from '../../local/film-studio.ts';
import { LocalFirst } from '../../local/local-first.ts';
import { openChecker, temporaryFolder } from '../../local/make-clip.ts';
import { withOutputType } from '../../local/output-type.ts';
import { MediaService } from '../../media/media-service.ts';
import { chooseDevice } from '../../pipeline/choose-device.ts';
import { Engine } from '../../pipeline/engine/engine.ts';
import type { ClipServices } from '../../pipeline/generate-clip.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { Lazy } from '../../shared/lazy.ts';
import { formatBytes, formatSeconds } from '../../shared/quantities.ts';
import { errorCode } from '../../shared/system-code.ts';
import type { FlagValues } from '../generate/field-flags.ts';
import { GenerationDisplay } from '../generate/generation-display.ts';
import { addModelFlags, type ModelFlags } from '../generate/model-flags.ts';
import { reporting } from '../reporting.ts';
import { addFilmFlags, filmFields, inFilmFlags } from './film-flags.ts';
import { filmReport, filmSummary } from './film-report.ts';

interface CommandFlags extends ModelFlags {
  readonly output: string;
  readonly score?: string;
  readonly plan?: boolean;
  readonly redo?: number;
  readonly soFar?: boolean;
  readonly keepParts: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/**
 * `soundstage film`: makes a film as long as a recording, part after part.
 *
 * @param services to use instead of its own; their owner ends them
 */
export function filmCommand(services?: ClipServices): Command {
  const command = new Command('film').description(
    'make a film as long as a recording, in parts that go on from each other',
  );
  return addModelFlags(addFilmFlags(command))
    .option('-o, --output <file>', 'where the film goes; its parts go into a folder beside it', 'film.mp4')
    .option('--score <file.json>', 'take the parts from this file, which --plan has printed')
    .option('--plan', 'print the score as JSON and make nothing')
    .addOption(
      new Option('--redo <part>', 'make this part of the film again, counted from 1, with another seed').argParser(
        parsePart,
      ),
    )
    .option('--so-far', 'join the parts that are there, up to the first that is missing, and make none')
    .option('--no-keep-parts', 'remove the parts once the film is there; none can be made again then')
    .option('--json', 'print the result as JSON, errors too')
    .option('--quiet', 'no progress')
    .action((flags: FlagValues & CommandFlags, self: Command) => {
      const isGiven = (name: string): boolean => self.getOptionValueSource(name) !== 'default';
      return reporting(process.stderr, (signal) => run({ flags, isGiven, signal, services }), flags);
    });
}

interface CommandRun {
  readonly flags: FlagValues & CommandFlags;
  /** Whether somebody has set a flag. */
  readonly isGiven: (name: string) => boolean;
  readonly signal: AbortSignal;
  readonly services: ClipServices | undefined;
}

async function run(command: CommandRun): Promise<void> {
  try {
    const { input, flags } = await filmAskedFor(command);
    await runWith(input, { ...command, flags });
  } catch (error) {
    if (!(error instanceof SoundstageError) || error.kind !== 'input') throw error;
    const { field, type, context } = error;
    throw new SoundstageError('input', inFilmFlags(error.message), { field, type, context, cause: error });
  }
}

/** What is asked for; without a recording, what the folder beside the output was begun with. */
async function filmAskedFor({ flags, isGiven }: CommandRun): Promise<Pick<CommandRun, 'flags'> & { input: FilmInput }> {
  const { seed, ...given } = filmFields(flags);
  const isAnew = Object.keys(given).length > 0 || flags.score !== undefined;
  if (flags.redo !== undefined && isAnew) {
    throw new SoundstageError(
      'input',
      '--redo takes the film as it was made: leave all flags but --output and --seed out',
      {
        field: 'redo',
      },
    );
  }
  if (!isAnew) {
    const { input, model, precision = flags.precision } = await keptFilm(partsFolder(resolve(flags.output)));
    const kept = {
      ...(!isGiven('model') && { model }),
      ...(!isGiven('precision') && { precision }),
    };
    return { input, flags: { ...flags, ...kept } };
  }
  const fields = {
    ...(flags.score !== undefined && (await readScore(flags.score))),
    ...given,
    ...(seed !== undefined && { seed }),
  };
  return { input: withAbsolutePaths(parseFilm(withOutputType(fields, flags.output))), flags };
}

async function readScore(path: string): Promise<Record<string, unknown>> {
  try {
    const { video_output_type: _, ...score }: Record<string, unknown> = JSON.parse(await readFile(path, 'utf8'));
    return score;
  } catch (cause) {
    const code = errorCode(cause);
    if (code !== 'ENOENT' && !(cause instanceof SyntaxError)) throw cause;
    const what = code === 'ENOENT' ? 'does not exist' : 'is not JSON';
    throw new SoundstageError('input', `--score ${path} ${what}: give a file that --plan has printed`, {
      field: 'score',
      cause,
    });
  }
}

async function runWith(input: FilmInput, { flags, signal, services: given }: CommandRun): Promise<void> {
  const output = resolve(flags.output);
  using display = new GenerationDisplay(process.stderr, flags.quiet ?? false);
  await using own = new AsyncDisposableStack();
  const services = given ?? { media: own.use(new MediaService()), engine: own.use(new Engine()) };
  const { device, gpuMemory, precision, model } = flags;
  const studio = {
    model,
    services,
    device: new Lazy(() => chooseDevice(device, { signal, gpuMemory, precision })),
    checker: own.use(openChecker()),
    names: own.use(new LocalFirst()),
  };
  const { path } = own.use(await temporaryFolder());
  const fetching = { folder: path, signal, onNote: (note: string) => display.note(note) };
  const files = await filmFiles(input, studio.names, fetching);
  const folder = partsFolder(output);
  if (flags.plan) {
    const { score } = await scoreOf(input, files, services, { folder, signal });
    if (!flags.quiet) display.note(told(score, estimateFilm(score, [], 0)));
    process.stdout.write(`${JSON.stringify(score, null, 2)}\n`);
    return;
  }
  let estimate: FilmEstimate | undefined;
  const film = await makeFilm(input, files, await filmStudio(input, studio, fetching), {
    output,
    folder,
    signal,
    redo: flags.redo === undefined ? undefined : { part: flags.redo, seed: redoSeed(flags) },
    soFar: flags.soFar,
    keepParts: flags.keepParts,
    onScore: (score, taking) => {
      estimate = taking;
      if (!flags.quiet) display.note(told(score, taking));
    },
    onProgress: ({ part, parts, phase, fraction, secondsLeft }) => {
      const name = phase === 'join' ? 'join' : `part ${part} of ${parts}`;
      display.update({ phase: name, place: phase === 'join' ? '' : `, ${phase}`, fraction, secondsLeft });
    },
    onNote: (note) => display.note(inFilmFlags(note)),
  });
  display.done();
  process.stdout.write(flags.json ? `${JSON.stringify(filmReport(film, estimate), null, 2)}\n` : filmSummary(film));
}

function redoSeed(flags: FlagValues): number | undefined {
  const { seed } = filmFields(flags);
  if (seed === undefined) return undefined;
  return parseFilm({ audio_url: 'a', seed }).seed;
}

function told({ fps }: Score, { frames, parts, price, maxBytes, seconds }: FilmEstimate): string {
  const time = seconds === undefined ? '' : `; about ${formatSeconds(seconds)} to go`;
  return `${parts} ${parts === 1 ? 'part' : 'parts'}, ${frames} frames (${timeOf(frames / fps)}), at most ${formatBytes(maxBytes)} on disk; $${price} at the endpoint's price${time}`;
}

function parsePart(text: string): number {
  const part = Number(text);
  if (!Number.isInteger(part) || part < 1)
    throw new InvalidArgumentError('It must be the number of a part, such as 3.');
  return part;
}
