import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { sql } from 'kysely';
import type { Endpoints } from '../contract/endpoint.ts';
import { ApiKeys } from '../database/keys/api-keys.ts';
import { controlSocketPath } from '../database/keys/control-socket.ts';
import { serveKeyControl } from '../database/keys/key-control.ts';
import { type Database, openDatabase } from '../database/open-database.ts';
import type { FileStore } from '../files/file-store.ts';
import { openFileStore } from '../files/open-file-store.ts';
import type { ClipMaker } from '../jobs/clip-maker.ts';
import { Requests } from '../jobs/requests.ts';
import { Housekeeping } from '../jobs/upkeep/housekeeping.ts';
import { openWebhooks } from '../jobs/webhooks/webhooks.ts';
import { openWorkFolder } from '../jobs/work/work-folder.ts';
import { Worker } from '../jobs/work/worker.ts';
import { cachedCheck } from '../shared/cached-check.ts';
import type { Configuration } from '../shared/configuration.ts';
import { SoundstageError } from '../shared/errors.ts';
import { type DataFolder, openDataFolder, watchDataFolder } from '../shared/folders/data-folder.ts';
import { probeFolder } from '../shared/folders/folder-probe.ts';
import { type Logger, reportDataFolder } from '../shared/logger.ts';
import { Authentication } from './access/authentication.ts';
import { KeylessGuard } from './access/keyless-guard.ts';
import { openTokens } from './access/tokens.ts';
import { isLocalOnly, isLoopback, urlHost } from './addressing/addresses.ts';
import { type AppDependencies, createApp } from './app.ts';
import { Bodies } from './bodies/bodies.ts';
import { brokenRequestReply } from './error-replies.ts';
import { OpenReplies } from './open-replies.ts';
import type { DescribeInstallation } from './operations/installation.ts';
import { Metrics } from './operations/metrics.ts';
import { Readiness, type ReadinessCheck } from './operations/readiness.ts';
import { openPlayground } from './pages/playground.ts';
import { RunSlots } from './runs/run-slots.ts';
import { serverCertificate } from './tls/certificates/server-certificate.ts';
import { certificateHosts } from './tls/hosts.ts';
import { type Listener, type ListenerTimeouts, listen } from './tls/listener/listener.ts';

/** What the server has for who makes its clips. */
export interface MakerServices {
  readonly files: FileStore;
  /** To be told how long each phase of a clip took, in seconds. */
  readonly onPhases: (seconds: Readonly<Record<string, number>>) => void;
}

export interface MakerOpener {
  /** What it makes clips on, for the log. Default: this machine. */
  readonly title?: string | undefined;
  open(services: MakerServices): ClipMaker | Promise<ClipMaker>;
}

export interface ServerOptions {
  readonly configuration: Configuration;
  readonly endpoints: Endpoints;
  readonly logger: Logger;
  /** One for each clip that is made at the same time. None: requests wait for workers elsewhere. The server disposes what they open. */
  readonly makers?: readonly MakerOpener[] | undefined;
  /** Whether the maker can do its work, for `/ready`. */
  readonly checks?: Readonly<Record<string, ReadinessCheck>> | undefined;
  /** What is installed here besides the server; for the playground. Absent: nothing is known. */
  readonly describeInstallation?: DescribeInstallation | undefined;
  /** Of the process; for one server per process. */
  readonly withProcessMetrics?: boolean | undefined;
  readonly timeouts?: Partial<ListenerTimeouts> | undefined;
}

/** Serves until it is disposed: then it accepts nothing new, ends what is under way and gives running clips back. */
export interface RunningServer extends AsyncDisposable {
  /** Address to call it by on this machine. */
  readonly url: string;
  readonly database: Database;
  readonly keys: ApiKeys;
  readonly requests: Requests;
  /** Whether callers need a key. */
  readonly isKeyRequired: boolean;
  /** Certificate that clients have to trust for https. */
  readonly authorityPath: string;
}

/** Milliseconds a caller may pause within an upload. */
const uploadIdle = 60_000;
/** Milliseconds for which a store of files that answered counts as ready. */
const storeFreshness = 5000;
/** Milliseconds for replies to be finished when the server ends. */
const closingGrace = 5000;

/**
 * Opens everything a server consists of and starts to serve.
 *
 * @throws SoundstageError where something cannot be opened, or anybody could use the server unasked
 */
export async function openServer(options: ServerOptions): Promise<RunningServer> {
  const { configuration } = options;
  await using opened = new AsyncDisposableStack();
  const dataFolder = await openDataFolder(configuration.SOUNDSTAGE_DATA);
  opened.use(watchDataFolder(dataFolder, (trouble) => reportDataFolder(options.logger, trouble)));
  const { database, keys } = await openKeyedDatabase(options, opened);
  const files = opened.use(await openFileStore(database.kysely, configuration));
  const metrics = new Metrics({ withProcess: options.withProcessMetrics ?? false });
  const { requests, jwks, checks } = await openJobs(options, { database, files, metrics }, opened);
  const access = await openAccess(
    { ...options, checks: { ...checks, ...options.checks } },
    { database, keys, dataFolder },
  );
  const folder = opened.use(await openWorkFolder(join(configuration.SOUNDSTAGE_DATA, 'work')));
  const bodies = new Bodies({ largestInput: configuration.SOUNDSTAGE_MAX_JSON_BYTES, folder });
  const parts = { ...access, bodies, files, metrics, requests, jwks };
  metrics.watch({ ...parts, database });
  const { listener, authorityPath } = await serve(options, parts);
  opened.defer(async () => {
    parts.openReplies.end();
    await listener.close(closingGrace);
  });
  const stack = opened.move();
  return Object.freeze({
    url: `http://${urlHost(configuration.SOUNDSTAGE_HOST)}:${listener.port}`,
    database,
    keys,
    requests,
    isKeyRequired: await parts.authentication.isRequired(),
    authorityPath,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  });
}

interface KeyedDatabase {
  readonly database: Database;
  readonly keys: ApiKeys;
}

async function openKeyedDatabase(
  { configuration, logger }: ServerOptions,
  opened: AsyncDisposableStack,
): Promise<KeyedDatabase> {
  const { SOUNDSTAGE_DATA: dataFolder, DATABASE_URL: databaseUrl } = configuration;
  const onWarning = (message: string): void => logger.warn(message);
  const database = opened.use(await openDatabase({ dataFolder, databaseUrl, onWarning }));
  const keys = new ApiKeys(database.kysely);
  await assertGuarded(configuration, keys);
  if (database.kind === 'embedded') opened.use(await serveKeyControl(keys, controlSocketPath(dataFolder)));
  return { database, keys };
}

/** Whoever listens to the world without asking for keys has to say so. */
async function assertGuarded(configuration: Configuration, keys: ApiKeys): Promise<void> {
  const { SOUNDSTAGE_AUTH: mode, SOUNDSTAGE_HOST: host, SOUNDSTAGE_PUBLIC_URL: publicUrl } = configuration;
  if (mode !== 'auto' || isLocalOnly({ host, publicUrl }) || (await keys.any())) return;
  throw new SoundstageError(
    'input',
    `Anyone who reaches ${isLoopback(host) ? publicUrl : host} could use this server: create a key first (\`soundstage keys create\`), or allow it with --auth off.`,
    { field: 'SOUNDSTAGE_AUTH' },
  );
}

async function openJobs(
  { configuration, endpoints, logger, makers = [] }: ServerOptions,
  { database, files, metrics }: { readonly database: Database } & Pick<AppDependencies, 'files' | 'metrics'>,
  opened: AsyncDisposableStack,
): Promise<Pick<AppDependencies, 'requests' | 'jwks'> & { readonly checks: Readonly<Record<string, ReadinessCheck>> }> {
  const { SOUNDSTAGE_DATA: dataFolder, SOUNDSTAGE_PAYLOAD_RETENTION: payloadRetention } = configuration;
  const minFree = configuration.SOUNDSTAGE_MIN_FREE_BYTES;
  const jobs = { database, files, dataFolder, minFree, payloadRetention, logger };
  // First, since it recovers what the process before this one left.
  opened.use(await Housekeeping.open(jobs));
  const requests = opened.use(await Requests.open(jobs));
  const { publicKeys } = opened.use(await openWebhooks({ ...jobs, configuration }));
  const checks: Record<string, ReadinessCheck> = {
    disk: () => probeFolder(dataFolder, minFree),
    files: cachedCheck(storeFreshness, () => files.probe()),
  };
  const workers: Worker[] = [];
  const isOneOfSeveral = makers.length > 1;
  for (const { title, open } of makers) {
    const maker = opened.use(await open({ files, onPhases: (seconds) => metrics.countClip(seconds) }));
    workers.push(opened.use(await Worker.open({ ...jobs, endpoints, maker, title, isOneOfSeveral })));
  }
  for (const worker of workers) worker.start();
  if (workers.length > 0) {
    checks.worker = async () => {
      const troubles = workers.map(({ trouble }) => trouble);
      if (!troubles.includes(undefined)) throw troubles[0];
    };
  }
  return { requests, jwks: publicKeys, checks };
}

async function openAccess(
  { configuration, checks, logger }: ServerOptions,
  { database, keys, dataFolder }: KeyedDatabase & { readonly dataFolder: DataFolder },
) {
  const { SOUNDSTAGE_AUTH: mode, SOUNDSTAGE_MAX_CONCURRENT_RUNS: runs } = configuration;
  const { SOUNDSTAGE_HOST: host, SOUNDSTAGE_PUBLIC_URL: publicUrl } = configuration;
  const tokens = await openTokens(database.kysely);
  return {
    tokens,
    authentication: new Authentication({ mode, loopback: isLocalOnly({ host, publicUrl }), keys, tokens }),
    keylessGuard: new KeylessGuard(configuration),
    openReplies: new OpenReplies(),
    readiness: new Readiness({ database: () => answers(database), data: dataFolder.check, ...checks }, (report) => {
      if (!report.ready) logger.warn('the server is not ready', { checks: report.checks });
    }),
    slots: new RunSlots(runs),
  };
}

type Parts = Awaited<ReturnType<typeof openAccess>> &
  Pick<AppDependencies, 'bodies' | 'files' | 'metrics' | 'requests' | 'jwks'>;

async function serve(
  { configuration, describeInstallation, endpoints, logger, timeouts }: ServerOptions,
  parts: Parts,
): Promise<{ readonly listener: Listener; readonly authorityPath: string }> {
  const { SOUNDSTAGE_HOST: host, SOUNDSTAGE_PUBLIC_URL: publicUrl } = configuration;
  const app = createApp({
    ...parts,
    endpoints,
    describeInstallation: describeInstallation ?? (async () => ({ loras: [] })),
    fileRetention: configuration.SOUNDSTAGE_FILE_RETENTION,
    logger,
    playground: await openPlayground(logger),
    publicUrl,
    showsPrices: configuration.SOUNDSTAGE_SHOW_PRICES,
    uploadLimits: { bytes: configuration.SOUNDSTAGE_MAX_UPLOAD_BYTES, idle: uploadIdle },
  });
  const folder = join(configuration.SOUNDSTAGE_DATA, 'tls');
  const certificate = () => serverCertificate({ folder, ...certificateHosts({ host, publicUrl }) });
  const { authorityPath } = await certificate();
  const listener = await listen({
    host,
    port: configuration.SOUNDSTAGE_PORT,
    handler: getRequestListener(app.fetch, { errorHandler: (error) => brokenRequestReply(error, logger) }),
    certificate,
    publicUrl,
    timeouts,
    onConnectionError: (error) => logger.debug('a connection broke', { error: error.message }),
    onCertificateError: (error) => logger.error('the certificate could not be renewed', { error }),
  });
  return { listener, authorityPath };
}

async function answers({ kysely }: Database): Promise<void> {
  await sql`select 1`.execute(kysely);
}
