import { Command } from 'commander';
import { openDatabase } from '../database/open-database.ts';
import { openFileStore } from '../files/open-file-store.ts';
import { Housekeeping } from '../jobs/housekeeping.ts';
import { PipelineClipMaker } from '../jobs/pipeline-clip-maker.ts';
import { Worker } from '../jobs/worker.ts';
import { Log, type LogLevel, reportDataFolder } from '../server/log.ts';
import type { Configuration } from '../shared/configuration.ts';
import { openDataFolder, watchDataFolder } from '../shared/data-folder.ts';
import { SoundstageError } from '../shared/errors.ts';
import { addConfigurationFlags, configurationFrom, settingsHelp } from './configuration-flags.ts';
import { reporting } from './reporting.ts';
import { aborted, logLevelOption } from './serve-command.ts';

interface WorkerFlags {
  readonly logLevel: LogLevel;
}

const settings = [
  'SOUNDSTAGE_DATA',
  'SOUNDSTAGE_MODEL',
  'SOUNDSTAGE_DEVICE',
  'SOUNDSTAGE_ALLOW_PRIVATE_HOSTS',
  'SOUNDSTAGE_LORA_FOLDER',
  'SOUNDSTAGE_SAFETY_MODEL',
] as const;

/** `soundstage worker`: makes the clips that a server on this or another machine accepted. */
export function workerCommand(): Command {
  const command = new Command('worker').description('make the clips that `soundstage serve` accepts elsewhere');
  return addConfigurationFlags(command, settings)
    .addOption(logLevelOption())
    .addHelpText('after', settingsHelp())
    .action((flags: WorkerFlags & Record<string, unknown>) =>
      reporting(process.stderr, (signal) => work(configurationFrom(flags, process.env), flags, signal)),
    );
}

async function work(configuration: Configuration, flags: WorkerFlags, signal: AbortSignal): Promise<void> {
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
  const log = Log(process.stderr, flags.logLevel);
  await using _watch = watchDataFolder(await openDataFolder(dataFolder), (trouble) => reportDataFolder(log, trouble));
  await using database = await openDatabase({ dataFolder, databaseUrl, onWarning: (message) => log.warn(message) });
  await using files = await openFileStore(database.kysely, configuration);
  const jobs = {
    database,
    files,
    dataFolder,
    leastFree: configuration.SOUNDSTAGE_MIN_FREE_BYTES,
    payloadRetention: configuration.SOUNDSTAGE_PAYLOAD_RETENTION,
    report: log,
  };
  await using _housekeeping = await Housekeeping.open(jobs);
  await using maker = await PipelineClipMaker.open({ configuration, files, report: log });
  await using worker = await Worker.open({ ...jobs, maker });
  worker.start();
  const kept = bucket === undefined ? `the folder ${dataFolder}` : `the bucket ${bucket}`;
  process.stdout.write(`Soundstage makes clips with ${configuration.SOUNDSTAGE_MODEL}; files go to ${kept}.\n`);
  if (bucket === undefined) {
    process.stdout.write(
      'The server has to read the same folder: on another machine, use SOUNDSTAGE_S3_BUCKET for both.\n',
    );
  }
  await aborted(signal);
  log.info('the worker ends; a running clip goes back to the queue');
}
