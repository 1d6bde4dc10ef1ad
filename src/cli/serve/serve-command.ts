import { Command, Option } from 'commander';
import type { Endpoints } from '../../contract/endpoint.ts';
import type { Precision } from '../../graph/graph-target.ts';
import { PipelineClipMaker } from '../../jobs/making/pipeline-clip-maker.ts';
import { resolveWeights } from '../../models/resolve-weights.ts';
import { type ChosenDevice, chooseDevice } from '../../pipeline/choose-device.ts';
import { type EnginePlace, enginePlaces } from '../../pipeline/engine-places.ts';
import { openServer, type RunningServer } from '../../server/open-server.ts';
import type { ReadinessCheck } from '../../server/operations/readiness.ts';
import type { Configuration } from '../../shared/configuration.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { Lazy } from '../../shared/lazy.ts';
import { jsonLogger, type LogLevel, logLevels } from '../../shared/logger.ts';
import { reporting } from '../reporting.ts';
import { addConfigurationFlags, configurationFrom, settingsHelp } from './configuration-flags.ts';
import { describeInstallation } from './installation.ts';
import { endsWithStarter } from './orphan-watch.ts';

interface ServeFlags {
  readonly worker: boolean;
  readonly logLevel: LogLevel;
}

const settings = [
  'SOUNDSTAGE_HOST',
  'SOUNDSTAGE_PORT',
  'SOUNDSTAGE_PUBLIC_URL',
  'SOUNDSTAGE_DATA',
  'SOUNDSTAGE_MODEL',
  'SOUNDSTAGE_DEVICE',
  'SOUNDSTAGE_GPUS',
  'SOUNDSTAGE_GPU_MEMORY',
  'SOUNDSTAGE_PRECISION',
  'SOUNDSTAGE_AUTH',
  'SOUNDSTAGE_ALLOW_ORIGINS',
  'SOUNDSTAGE_ALLOW_PRIVATE_HOSTS',
  'SOUNDSTAGE_LORA_FOLDER',
  'SOUNDSTAGE_SAFETY_MODEL',
] as const;

/** `soundstage serve`: answers what the hosted endpoints answer, and makes the clips unless told not to. */
export function serveCommand(endpoints: Endpoints): Command {
  const command = new Command('serve').description('serve the endpoints over HTTP');
  return addConfigurationFlags(command, settings)
    .option('--no-worker', 'leave the clips to `soundstage worker` processes (needs DATABASE_URL)')
    .addOption(logLevelOption())
    .addHelpText('after', settingsHelp())
    .action((flags: ServeFlags & Record<string, unknown>) =>
      reporting(process.stderr, (signal) =>
        serve({ configuration: configurationFrom(flags, process.env), endpoints, flags, signal }),
      ),
    );
}

export function logLevelOption(): Option {
  return new Option('--log-level <level>', 'what is written to stderr, one JSON object per line')
    .choices(logLevels)
    .default('info');
}

interface Serving {
  readonly configuration: Configuration;
  readonly endpoints: Endpoints;
  readonly flags: ServeFlags;
  readonly signal: AbortSignal;
}

async function serve({ configuration, endpoints, flags, signal: asked }: Serving): Promise<void> {
  using ending = endsWithStarter(asked);
  const { signal } = ending;
  // What this process and its children write is for nobody else.
  process.umask(0o077);
  if (!flags.worker && configuration.DATABASE_URL === undefined) {
    throw new SoundstageError(
      'input',
      'With --no-worker somebody else has to make the clips: set DATABASE_URL to a PostgreSQL server, which `soundstage worker` shares.',
      { field: 'DATABASE_URL' },
    );
  }
  // Before anything is opened: a name that means nothing is the likeliest mistake.
  if (flags.worker) await resolveWeights(configuration.SOUNDSTAGE_MODEL);
  const logger = jsonLogger(process.stderr, flags.logLevel);
  const onWarning = (message: string): void => logger.warn(message);
  const places = flags.worker ? await enginePlaces(configuration, { signal, onWarning }) : [];
  await using server = await openServer({
    configuration,
    endpoints,
    logger,
    makers: places.map((place) => ({
      title: place.title,
      open: (services) => PipelineClipMaker.open({ ...services, configuration, logger, place }),
    })),
    describeInstallation: () => describeInstallation(configuration),
    checks: places.length > 0 ? readinessChecks(configuration, places) : {},
    withProcessMetrics: true,
  });
  process.stdout.write(greeting(server, configuration, places));
  await aborted(signal);
  logger.info('the server ends; a running clip goes back to the queue');
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function greeting(server: RunningServer, configuration: Configuration, places: readonly EnginePlace[]): string {
  const { SOUNDSTAGE_PUBLIC_URL: publicUrl, SOUNDSTAGE_DATA: data, SOUNDSTAGE_MODEL: model } = configuration;
  const url = (publicUrl ?? server.url).replace(/\/$/, '');
  const credentials = server.isKeyRequired ? '<key id>:<key secret>' : 'local:local';
  const keys = server.isKeyRequired
    ? 'asked for; `soundstage keys create` makes one'
    : 'not asked for; that changes with the first `soundstage keys create`';
  return `Soundstage serves on ${url} (http and https)

  Playground     ${url}/
  Documentation  ${url}/docs

  Model   ${places.length > 0 ? model : 'none here: clips are left to `soundstage worker`'}${describePlaces(places)}
  Data    ${data}
  Keys    ${keys}

  JavaScript   fal.config({ credentials: "${credentials}", proxyUrl: { url: "${url}/fal/proxy", when: "always" } })
               with @fal-ai/client 1.10 or newer; older versions would send everything to the hosted service
  Python       import fal_client.client as client
               client.RUN_URL_FORMAT, client.QUEUE_URL_FORMAT = "${url}/run/", "${url}/queue/"
               client.REST_URL, client.CDN_URL = "${url}/rest", "${url}/cdn"
               fal = client.SyncClient(key="${credentials}")
  Any program  HTTPS_PROXY=${url} SSL_CERT_FILE=${server.authorityPath}
  cURL         https://queue.fal.run becomes ${url}/queue, https://fal.run becomes ${url}/run

Press Ctrl-C to stop it.
`;
}

/** @throws what the last of them has against it, where none works */
async function firstThatWorks(
  [place, ...others]: readonly EnginePlace[],
  precision: Precision,
): Promise<ChosenDevice | undefined> {
  if (place === undefined) return undefined;
  try {
    return await chooseDevice(place.device, { gpu: place.gpu, precision });
  } catch (error) {
    if (others.length === 0) throw error;
    return await firstThatWorks(others, precision);
  }
}

/** For the greeting; nothing where there is no choice. */
export function describePlaces(places: readonly EnginePlace[]): string {
  const titles = places.flatMap(({ title }) => title ?? []);
  return titles.length === 0 ? '' : ` on ${titles.join('; ')}`;
}

/** What a process that makes clips needs besides the database: the weights, and a device to run them on. */
function readinessChecks(
  configuration: Configuration,
  places: readonly EnginePlace[],
): Readonly<Record<string, ReadinessCheck>> {
  // Probing starts a process; a device that was found stays.
  const device = new Lazy(() => firstThatWorks(places, configuration.SOUNDSTAGE_PRECISION));
  return Object.freeze({
    weights: async () => {
      await resolveWeights(configuration.SOUNDSTAGE_MODEL);
    },
    device: async () => {
      await device.get();
    },
  });
}
