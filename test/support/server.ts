import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeInstallation } from '../../src/cli/serve/installation.ts';
import type { Endpoints } from '../../src/contract/endpoint.ts';
import { allEndpoints } from '../../src/contract/endpoints/served-endpoints.ts';
import type { ClipMaker } from '../../src/jobs/clip-maker.ts';
import { PipelineClipMaker } from '../../src/jobs/making/pipeline-clip-maker.ts';
import {
  type MakerServices,
  openServer,
  type RunningServer,
  type ServerOptions,
} from '../../src/server/open-server.ts';
import { type Configuration, readConfiguration } from '../../src/shared/configuration.ts';
import { jsonLogger, type Logger, type LogLevel } from '../../src/shared/logger.ts';
import { putEmptyDatabase } from './databases/databases.ts';

export interface TestServerOptions extends Pick<ServerOptions, 'checks' | 'timeouts'> {
  /** Default: those that are served. */
  readonly endpoints?: Endpoints | undefined;
  /** Makes the clips; absent: nobody takes requests from the queue. Disposed with the server. */
  readonly maker?: ClipMaker | 'pipeline' | undefined;
  /** Others that make clips at the same time. */
  readonly makers?: readonly ClipMaker[] | undefined;
  /** Absent: a new one that goes with the server. */
  readonly dataFolder?: string | undefined;
  /** Settings by variable, e.g. `{ SOUNDSTAGE_AUTH: 'keys' }`. */
  readonly settings?: Readonly<Partial<Record<keyof Configuration, string>>>;
  /** Log lines down to this level go to stderr; default: errors. */
  readonly logLevel?: LogLevel;
}

export interface TestServer extends RunningServer {
  readonly dataFolder: string;
  readonly configuration: Configuration;
  /** What was logged, every level. */
  readonly logged: readonly Record<string, unknown>[];
}

/**
 * A whole server that listens on a free port of this machine, with an embedded database of its own unless `settings` name
 * another. Inputs and webhooks may be on this machine unless `settings` say otherwise.
 */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  await using opened = new AsyncDisposableStack();
  const dataFolder = options.dataFolder ?? (await mkdtemp(join(tmpdir(), 'soundstage-server-')));
  if (options.dataFolder === undefined) {
    opened.defer(() => rm(dataFolder, { recursive: true, force: true }));
    if (!options.settings?.DATABASE_URL) await putEmptyDatabase(dataFolder);
  }
  const configuration = readConfiguration({
    SOUNDSTAGE_DATA: dataFolder,
    SOUNDSTAGE_PORT: '0',
    SOUNDSTAGE_ALLOW_PRIVATE_HOSTS: '127.0.0.1,::1,localhost',
    ...options.settings,
  });
  const logged: Record<string, unknown>[] = [];
  const { maker, makers = [], endpoints = allEndpoints, checks, timeouts } = options;
  const logger = recordingLogger(logged, options.logLevel ?? 'error');
  const open = (chosen: ClipMaker | 'pipeline') => (services: MakerServices) =>
    chosen === 'pipeline' ? PipelineClipMaker.open({ ...services, configuration, logger }) : chosen;
  const all = maker === undefined ? makers : [maker, ...makers];
  const describe = maker === 'pipeline' ? () => describeInstallation(configuration) : undefined;
  const server = opened.use(
    await openServer({
      configuration,
      endpoints,
      logger,
      makers: all.map((each, index) => ({ open: open(each), title: all.length > 1 ? `maker ${index}` : undefined })),
      checks,
      timeouts,
      describeInstallation: describe,
    }),
  );
  const stack = opened.move();
  return { ...server, dataFolder, configuration, logged, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function recordingLogger(logged: Record<string, unknown>[], shown: LogLevel): Logger {
  // By the console, which is shown for tests that fail.
  const printed = jsonLogger({ write: (line) => console.error(line.trimEnd()) }, shown);
  const all = jsonLogger({ write: (line) => logged.push(JSON.parse(line)) }, 'debug');
  const both =
    (level: LogLevel): Logger[LogLevel] =>
    (message, fields) => {
      printed[level](message, fields);
      all[level](message, fields);
    };
  return { error: both('error'), warn: both('warn'), info: both('info'), debug: both('debug') };
}
