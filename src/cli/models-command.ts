import { Command, InvalidArgumentError, Option } from 'commander';
import { type CameraMove, cameraMoves, isCameraMove } from '../models/camera-moves.ts';
import { checkWeights, type FileCheck } from '../models/check-weights.ts';
import { type FetchOptions, fetchWeights } from '../models/download/fetch-weights.ts';
import { ProgressReport, type ReportOutput } from '../models/download/progress-report.ts';
import { fetchCommand } from '../models/resolve-weights.ts';
import { fetchSafetyModel, safetyModel } from '../models/safety-model.ts';
import { findWeightSet, weightSet, weightSets } from '../models/weight-sets.ts';
import { overviewOfWeights, type WeightsOverview } from '../models/weights-overview.ts';
import { SoundstageError } from '../shared/errors.ts';
import { formatBytes } from '../shared/quantities.ts';
import { reporting } from './reporting.ts';
import { textTable } from './text-table.ts';

export interface ModelsCommandOptions {
  /** Default `process.stdout`. */
  readonly stdout?: ReportOutput | undefined;
  /** For progress and error messages; default `process.stderr`. */
  readonly stderr?: ReportOutput | undefined;
  /** Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

interface CacheFlags {
  readonly cache?: string;
  readonly json?: boolean;
}

interface FetchFlags extends CacheFlags {
  readonly camera?: readonly CameraMove[];
  readonly cameraLoras?: boolean;
  readonly endpoint?: string;
  readonly offline?: boolean;
}

interface CheckFlags extends CacheFlags {
  readonly removeDamaged?: boolean;
}

const environment = `
Environment:
  HF_TOKEN         access token for gated repositories (or a login of the hub's own tools)
  HF_HUB_CACHE     cache folder, shared with the hub's own tools
                   (default $HF_HOME/hub or ~/.cache/huggingface/hub)
  HF_ENDPOINT      base URL of the hub or a mirror
  HF_HUB_OFFLINE   1: never touch the network`;

/** `soundstage models`: lists, fetches and checks weights. Sets `process.exitCode` on a clear error. */
export function modelsCommand(options: ModelsCommandOptions = {}): Command {
  const { stdout = process.stdout, stderr = process.stderr, env = process.env } = options;
  const models = new Command('models').description('list, fetch and check model weights');

  models
    .command('list')
    .description('show the known weights and what is here of them')
    .addOption(cacheOption())
    .addOption(jsonOption())
    .action((flags: CacheFlags) =>
      reporting(
        stderr,
        async () => {
          const sets = await overviewOfWeights({ ...flags, env });
          stdout.write(flags.json ? jsonText(sets) : table(sets));
        },
        flags,
      ),
    );

  models
    .command('fetch')
    .description('fetch weights into the cache; goes on from where an earlier fetch stopped')
    .argument('<id>', `one of ${[...weightSets, safetyModel].map(({ id }) => id).join(', ')}`)
    .option('--camera-loras', 'fetch all seven camera LoRAs as well')
    .addOption(cameraOption())
    .option('--endpoint <url>', 'base URL of the hub or a mirror (default: HF_ENDPOINT)')
    .option('--offline', 'do not touch the network, only say what is missing')
    .addOption(cacheOption())
    .addOption(jsonOption())
    .addHelpText('after', environment)
    .action((id: string, { camera = [], cameraLoras = false, ...flags }: FetchFlags) =>
      reporting(
        stderr,
        async (signal) => {
          const say = (sentence: string, where?: string): void =>
            void stdout.write(flags.json ? jsonText({ id, where }) : `${id} ${sentence}\n`);
          if (id === safetyModel.id) {
            const folder = await fetchSafety({ ...flags, env, signal }, stderr);
            return say(`is here: ${folder}`, folder);
          }
          if (weightSet(id).kind === 'embedded') return say('ships with Soundstage: nothing to fetch');
          const cameras = cameraLoras ? cameraMoves : camera;
          const set = await withProgress(stderr, (onProgress) =>
            fetchWeights(id, { ...flags, cameras, env, signal, onProgress }),
          );
          say(`is here: ${set.bundle}`, set.bundle);
        },
        flags,
      ),
    );

  models
    .command('check')
    .description('read weights again and compare them with their hashes; exit code 3 on damage')
    .argument('<id>', 'id of a set, or a folder of your own')
    .option('--remove-damaged', 'delete damaged files of the cache, so that the next fetch gets them again')
    .addOption(cacheOption())
    .addOption(jsonOption())
    .action((id: string, flags: CheckFlags) =>
      reporting(
        stderr,
        async (signal) => {
          // The result lists every file; lines of progress would say the same twice.
          const checks = await withProgress(stderr, (onProgress) =>
            checkWeights(id, { ...flags, env, signal, onProgress: stderr.isTTY ? onProgress : undefined }),
          );
          const lines = checks.map(({ state, name, path }) => `${state.padEnd(8)}  ${name}  ${path}\n`);
          stdout.write(flags.json ? jsonText(checks) : lines.join(''));
          const bad = checks.filter(({ state }) => state === 'damaged' || state === 'missing');
          if (bad.length === 0) return;
          const advice =
            findWeightSet(id)?.kind === 'hub' || id === safetyModel.id
              ? refetchAdvice(id, flags, bad)
              : 'put good copies in their place';
          throw new SoundstageError(
            'weights',
            `${bad.length} of ${checks.length} files are damaged or missing: ${advice}`,
          );
        },
        flags,
      ),
    );

  return models;
}

async function fetchSafety(options: FetchOptions, stderr: ReportOutput): Promise<string> {
  return await withProgress(stderr, (onProgress) => fetchSafetyModel({ ...options, onProgress }));
}

function jsonOption(): Option {
  return new Option('--json', 'print JSON, errors too');
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function cacheOption(): Option {
  return new Option('--cache <dir>', 'cache folder (default: HF_HUB_CACHE or ~/.cache/huggingface/hub)');
}

function cameraOption(): Option {
  const parse = (text: string, earlier: readonly CameraMove[] = []): readonly CameraMove[] => {
    if (!isCameraMove(text)) throw new InvalidArgumentError(`Choose from ${cameraMoves.join(', ')}.`);
    return [...earlier, text];
  };
  return new Option('--camera <move...>', `fetch these camera LoRAs as well: ${cameraMoves.join(', ')}`).argParser(
    parse,
  );
}

function refetchAdvice(id: string, flags: CheckFlags, bad: readonly FileCheck[]): string {
  const isInTheWay = bad.some(({ state }) => state === 'damaged') && !flags.removeDamaged;
  return `${isInTheWay ? 'delete the damaged files (--remove-damaged) and ' : ''}run \`${fetchCommand(id, flags)}\``;
}

type OnProgress = ProgressReport['update'];

async function withProgress<T>(output: ReportOutput, work: (onProgress: OnProgress) => Promise<T>): Promise<T> {
  const report = new ProgressReport(output);
  try {
    return await work((progress) => report.update(progress));
  } finally {
    report.finish();
  }
}

function table(sets: readonly WeightsOverview[]): string {
  return textTable([
    ['ID', 'STATE', 'SIZE', 'CAMERA LORAS', 'WHAT', 'WHERE'],
    ...sets.map(({ id, state, bytes, cameras, title, where }) => {
      const loras = cameras === undefined ? '–' : `${cameras.length} of ${cameraMoves.length}`;
      return [id, state, formatBytes(bytes), loras, title, where];
    }),
  ]);
}
