import { mkdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import ipaddr from 'ipaddr.js';
import { sql } from 'kysely';
import { ApiKeys } from '../database/api-keys.ts';
import { controlSocketPath } from '../database/control-socket.ts';
import { serveKeyControl } from '../database/key-control.ts';
import { type Database, openDatabase } from '../database/open-database.ts';
import type { FileStore } from '../files/file-store.ts';
import { openFileStore } from '../files/open-file-store.ts';
import type { ClipMaker } from '../jobs/clip-maker.ts';
import { Housekeeping } from '../jobs/housekeeping.ts';
import { Requests } from '../jobs/requests.ts';
import { Worker } from '../jobs/worker.ts';
import type { Configuration } from '../shared/configuration.ts';
import { SoundstageError } from '../shared/errors.ts';
import { createApp } from './app.ts';
import { Authentication } from './authentication.ts';
import { brokenRequestReply } from './error-replies.ts';
import type { Log } from './log.ts';
import { Metrics } from './metrics.ts';
import { OpenReplies } from './open-replies.ts';
import { Readiness, type ReadinessCheck } from './readiness.ts';
import { RunSlots } from './run-slots.ts';
import { certificateHosts } from './tls/hosts.ts';
import { type ListenerTimeouts, listen } from './tls/listener.ts';
import { serverCertificate } from './tls/server-certificate.ts';
import { openTokens } from './tokens.ts';

export interface ServerOptions {
  readonly configuration: Configuration;
  readonly log: Log;
  /** Absent: requests wait for workers elsewhere. The server disposes what it returns. */
  readonly openMaker?: ((files: FileStore) => ClipMaker | Promise<ClipMaker>) | undefined;
  /** Whether the maker can do its work, for `/ready`. */
  readonly checks?: Readonly<Record<string, ReadinessCheck>> | undefined;
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

/** Milliseconds a caller may pause within a JSON body. */
const bodyIdle = 30_000;
/** Milliseconds a caller may pause within an upload. */
const uploadIdle = 60_000;
/** Milliseconds for replies to be finished when the server ends. */
const closingGrace = 5000;

/**
 * Opens everything a server consists of and starts to serve.
 *
 * @throws SoundstageError where something cannot be opened, or anybody could use the server unasked
 */
export async function openServer(options: ServerOptions): Promise<RunningServer> {
  const { configuration, log, openMaker } = options;
  const { SOUNDSTAGE_DATA: dataFolder, SOUNDSTAGE_HOST: host, SOUNDSTAGE_PUBLIC_URL: publicUrl } = configuration;
  await using opened = new AsyncDisposableStack();
  await mkdir(dataFolder, { recursive: true });
  const database = opened.use(
    await openDatabase({
      dataFolder,
      databaseUrl: configuration.DATABASE_URL,
      onWarning: (message) => log.warn(message),
    }),
  );
  const keys = new ApiKeys(database.kysely);
  await assertGuarded(configuration, keys);
  if (database.kind === 'embedded') opened.use(await serveKeyControl(keys, controlSocketPath(dataFolder)));
  const files = opened.use(await openFileStore(database.kysely, configuration));
  const tokens = await openTokens(database.kysely);
  const jobs = {
    database,
    files,
    dataFolder,
    payloadRetention: configuration.SOUNDSTAGE_PAYLOAD_RETENTION,
    report: log,
  };
  opened.use(await Housekeeping.open(jobs));
  const requests = opened.use(await Requests.open(jobs));
  if (openMaker !== undefined) {
    const maker = opened.use(await openMaker(files));
    opened.use(await Worker.open({ ...jobs, maker })).start();
  }
  const openReplies = new OpenReplies();
  const authentication = new Authentication({
    mode: configuration.SOUNDSTAGE_AUTH,
    loopback: isLoopback(host),
    keys,
    tokens,
  });
  const app = createApp({
    authentication,
    bodyLimits: { bytes: configuration.SOUNDSTAGE_MAX_JSON_BYTES, idle: bodyIdle },
    fileRetention: configuration.SOUNDSTAGE_FILE_RETENTION,
    files,
    jwks: async () => ({ keys: [] }),
    log,
    metrics: new Metrics({ requests, openReplies, withProcess: options.withProcessMetrics ?? false }),
    openReplies,
    publicUrl,
    readiness: new Readiness({ database: () => answers(database), ...options.checks }),
    requests,
    slots: new RunSlots(configuration.SOUNDSTAGE_MAX_CONCURRENT_RUNS),
    tokens,
    uploadLimits: { bytes: configuration.SOUNDSTAGE_MAX_UPLOAD_BYTES, idle: uploadIdle },
  });
  const certificateRequest = {
    folder: join(dataFolder, 'tls'),
    ...certificateHosts({ host, publicUrl }),
  };
  const { authorityPath } = await serverCertificate(certificateRequest);
  const listener = await listen({
    host,
    port: configuration.SOUNDSTAGE_PORT,
    handler: getRequestListener(app.fetch, { errorHandler: (error) => brokenRequestReply(error, log) }),
    certificate: () => serverCertificate(certificateRequest),
    publicUrl,
    timeouts: options.timeouts,
    onConnectionError: (error) => log.debug('a connection broke', { error: error.message }),
    onCertificateError: (error) => log.error('the certificate could not be renewed', { error }),
  });
  opened.defer(async () => {
    openReplies.end();
    await listener.close(closingGrace);
  });
  const stack = opened.move();
  return Object.freeze({
    url: `http://${urlHost(host)}:${listener.port}`,
    database,
    keys,
    requests,
    isKeyRequired: await authentication.isRequired(),
    authorityPath,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  });
}

/** Whoever listens to the world without asking for keys has to say so. */
async function assertGuarded(
  { SOUNDSTAGE_AUTH: mode, SOUNDSTAGE_HOST: host }: Configuration,
  keys: ApiKeys,
): Promise<void> {
  if (mode !== 'auto' || isLoopback(host) || (await keys.any())) return;
  throw new SoundstageError(
    'input',
    `Anyone who reaches ${host} could use this server: create a key first (\`soundstage keys create\`), or allow it with --auth off.`,
    { field: 'SOUNDSTAGE_AUTH' },
  );
}

/** Whether only this machine reaches an address. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 0) return host === 'localhost' || host.endsWith('.localhost');
  return ipaddr.process(host).range() === 'loopback';
}

function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return isIP(host) === 6 ? `[${host}]` : host;
}

async function answers({ kysely }: Database): Promise<void> {
  await sql`select 1`.execute(kysely);
}
