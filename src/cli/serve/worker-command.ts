import { Command } from 'commander';
import type { Endpoints } from '../../contract/endpoint.ts';
import { openDatabase } from '../../database/open-database.ts';
import { openFileStore } from '../../files/open-file-store.ts';
import { PipelineClipMaker } from '../../jobs/making/pipeline-clip-maker.ts';
import { Housekeeping } from '../../jobs/upkeep/housekeeping.ts';
import { Worker } from '../../jobs/work/worker.ts';
import { enginePlaces } from '../../pipeline/engine-places.ts';
import type { Configuration } from '../../shared/configuration.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { openDataFolder, watchDataFolder } from '../../shared/folders/data-folder.ts';
import { jsonLogger, type LogLevel, reportDataFolder } from '../../shared/logger.ts';
import { reporting } from '../reporting.ts';
import { addConfigurationFlags, configurationFrom, settingsHelp } from './configuration-flags.ts';
import { endsWithStarter } from './orphan-watch.ts';
import { aborted, describePlaces, logLevelOption } from './serve-command.ts';

interface WorkerFlags {
  readonly logLevel: LogLevel;
}

const settings = [
  'SOUNDSTAGE_DATA',
  'SOUNDSTAGE_MODEL',
  'SOUNDSTAGE_DEVICE',
  'SOUNDSTAGE_GPUS',
  'SOUNDSTAGE_GPU_MEMORY',
  'SOUNDSTAGE_PRECISION',
  'SOUNDSTAGE_ALLOW_PRIVATE_HOSTS',
  'SOUNDSTAGE_LORA_FOLDER',
  'SOUNDSTAGE_SAFETY_MODEL',
] as const;

/** What else a worker goes by; the rest is for servers. */
const ownSettings = [
  ...settings,
  'DATABASE_URL',
  'SOUNDSTAGE_CUDA_FOLDER',
  'SOUNDSTAGE_FETCH_TIMEOUT',
  'SOUNDSTAGE_FILE_RETENTION',
  'SOUNDSTAGE_LORA_CACHE_BYTES',
  'SOUNDSTAGE_MAX_INPUT_BYTES',
  'SOUNDSTAGE_MAX_LORA_BYTES',
  'SOUNDSTAGE_MIN_FETCH_RATE',
  'SOUNDSTAGE_MIN_FREE_BYTES',
  'SOUNDSTAGE_PAYLOAD_RETENTION',
  'SOUNDSTAGE_S3_BUCKET',
  'SOUNDSTAGE_S3_ENDPOINT',
  'SOUNDSTAGE_S3_REGION',
] as const;

/** `soundstage worker`: makes the clips that a server on this or another machine accepted. */
export function workerCommand(endpoints: Endpoints): Command {
  const command = new Command('worker').description('make the clips that `soundstage serve` accepts elsewhere');
  return addConfigurationFlags(command, settings)
    .addOption(logLevelOption())
    .addHelpText('after', settingsHelp(ownSettings))
    .action((flags: WorkerFlags & Record<string, unknown>) =>
      reporting(process.stderr, (signal) =>
        work({ configuration: configurationFrom(flags, process.env), endpoints, flags, signal }),
      ),
    );
}

interface Working {
  readonly configuration: Configuration;
  readonly endpoints: Endpoints;
  readonly flags: WorkerFlags;
  readonly signal: AbortSignal;
}

async function work({ configuration, endpoints, flags, signal: asked }: Working): Promise<void> {
  using ending = endsWithStarter(asked);
  const { signal } = ending;
  // What this process and its children write is for nobody else.
  process.umask(0o077);
  const { SOUNDSTAGE_DATA: dataFolder, DATABASE_URL: databaseUrl, SOUNDSTAGE_S3_BUCKET: bucket } = configuration;
  if (databaseUrl === undefined) {
    throw new SoundstageError(
      'input',
      'A worker takes requests from a PostgreSQL server: set DATABASE_URL to the one that `soundstage serve` uses. (Without one, `serve` makes the clips itself.)',
      { field: 'DATABASE_URL' },
    );
  }
  const logger = jsonLogger(process.stderr, flags.logLevel);
  await using _watch = watchDataFolder(await openDataFolder(dataFolder), (trouble) =>
    reportDataFolder(logger, trouble),
  );
  await using database = await openDatabase({ dataFolder, databaseUrl, onWarning: (message) => logger.warn(message) });
  await using files = await openFileStore(database.kysely, configuration);
  const jobs = {
    database,
    files,
    dataFolder,
    minFree: configuration.SOUNDSTAGE_MIN_FREE_BYTES,
    payloadRetention: configuration.SOUNDSTAGE_PAYLOAD_RETENTION,
    logger,
  };
  await using _housekeeping = await Housekeeping.open(jobs);
  const onWarning = (message: string): void => logger.warn(message);
  const places = await enginePlaces(configuration, { signal, onWarning });
  const isOneOfSeveral = places.length > 1;
  await using workers = new AsyncDisposableStack();
  for (const place of places) {
    const maker = workers.use(await PipelineClipMaker.open({ configuration, files, logger, place }));
    const { title } = place;
    workers.use(await Worker.open({ ...jobs, endpoints, maker, title, isOneOfSeveral })).start();
  }
  const kept = bucket === undefined ? `the folder ${dataFolder}` : `the bucket ${bucket}`;
  process.stdout.write(
    `Soundstage makes clips with ${configuration.SOUNDSTAGE_MODEL}${describePlaces(places)}; files go to ${kept}.\n`,
  );
  if (bucket === undefined) {
    process.stdout.write(
      'The server has to read the same folder: on another machine, use SOUNDSTAGE_S3_BUCKET for both.\n',
    );
  }
  await aborted(signal);
  logger.info('the worker ends; a running clip goes back to the queue');
}
