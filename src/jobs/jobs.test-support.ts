import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { sql } from 'kysely';
import { audioToVideoLora } from '../contract/endpoints/audio-to-video-lora.ts';
import { allEndpoints } from '../contract/endpoints/served-endpoints.ts';
import { type Database, type DatabaseOptions, openDatabase } from '../database/open-database.ts';
import type { RequestState } from '../database/tables.ts';
import type { FileStore } from '../files/file-store.ts';
import { openFileStore } from '../files/open-file-store.ts';
import { cancelled } from '../shared/cancellation.ts';
import { readConfiguration } from '../shared/configuration.ts';
import type { Logger } from '../shared/logger.ts';
import type { ClipMaker, ClipMakerContext, ClipRequest, MadeClip, PreparedClip } from './clip-maker.ts';
import type { RequestStatus } from './request/request-status.ts';
import { usualRetries } from './request/retries.ts';
import type { Submission } from './request/submission.ts';
import { Requests } from './requests.ts';
import { Housekeeping } from './upkeep/housekeeping.ts';
import { Worker, type WorkerOptions } from './work/worker.ts';

type Behavior = (request: ClipRequest, context: ClipMakerContext) => Promise<void>;

/** A clip for which nothing has to be fetched. */
export function withoutInputs(make: () => Promise<MadeClip>): PreparedClip {
  return { make, [Symbol.asyncDispose]: async () => {} };
}

/** Makes a small file at once, unless a test has it do something else first. */
export class TestClipMaker implements ClipMaker {
  readonly started: string[] = [];
  behavior: Behavior = async () => {};
  /** In place of fetching inputs. */
  fetching: Behavior = async () => {};
  probe: () => Promise<void> = async () => {};

  async prepare(request: ClipRequest, context: ClipMakerContext): Promise<PreparedClip> {
    await this.fetching(request, context);
    return withoutInputs(() => this.make(request, context));
  }

  async make(request: ClipRequest, context: ClipMakerContext): Promise<MadeClip> {
    this.started.push(request.id);
    await this.behavior(request, context);
    if (context.signal.aborted) throw cancelled();
    const path = join(context.folder, 'clip.mp4');
    const bytes = `clip of ${request.input.prompt}`;
    await writeFile(path, bytes);
    const file = {
      path,
      contentType: 'video/mp4',
      fileSize: Buffer.byteLength(bytes),
      width: 1000,
      height: 1000,
      fps: { num: 25, den: 1 },
      frames: 3,
      duration: 0.12,
    };
    return { file, seed: request.input.seed ?? 7, prompt: request.input.prompt };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Waits until the attempt is ended from outside. */
export function untilAborted(_request: ClipRequest, { signal }: ClipMakerContext): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

export interface TestJobs extends AsyncDisposable {
  readonly database: Database;
  readonly files: FileStore;
  readonly requests: Requests;
  readonly maker: TestClipMaker;
  readonly logger: Logger;
  /** What was reported as warning or error. */
  readonly troubles: unknown[];
  /** Started. */
  worker(maker?: ClipMaker, changes?: Partial<WorkerOptions>): Promise<Worker>;
  housekeeping(): Promise<Housekeeping>;
  /** Waits for the state. */
  inState(id: string, state: RequestState): Promise<RequestStatus>;
  completed(id: string): Promise<RequestStatus>;
  /** Content of the file of a completed request; undefined where there is none. */
  fileOf(id: string): Promise<string | undefined>;
}

/** Everything around the requests of one process, for a test; disposing it is a graceful end. */
export async function openJobs(options: DatabaseOptions): Promise<TestJobs> {
  const { dataFolder } = options;
  const troubles: unknown[] = [];
  const logger: Logger = {
    error: (message, fields) => troubles.push([message, fields]),
    warn: (message, fields) => troubles.push([message, fields]),
    info: () => {},
    debug: () => {},
  };
  await using opened = new AsyncDisposableStack();
  const database = opened.use(await openDatabase(options));
  const files = opened.use(await openFileStore(database.kysely, readConfiguration({ SOUNDSTAGE_DATA: dataFolder })));
  const common = { database, files, dataFolder, minFree: 0, payloadRetention: 1000, logger };
  const requests = opened.use(await Requests.open(common));
  const maker = new TestClipMaker();
  const stack = opened.move();
  return {
    database,
    files,
    requests,
    maker,
    logger,
    troubles,
    worker: async (own = maker, changes = {}) => {
      const worker = stack.use(await Worker.open({ ...common, endpoints: allEndpoints, maker: own, ...changes }));
      worker.start();
      return worker;
    },
    housekeeping: async () => stack.use(await Housekeeping.open(common)),
    inState: (id, state) => inState(requests, id, state),
    completed: (id) => inState(requests, id, 'COMPLETED'),
    fileOf: async (id) => {
      const { rows } = await sql<{ id: string }>`select id from files where request_id = ${id}`.execute(
        database.kysely,
      );
      const opened = rows[0] && (await files.open(rows[0].id));
      return opened && (await text(opened.stream));
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function inState(requests: Requests, id: string, state: RequestState): Promise<RequestStatus> {
  const signal = AbortSignal.timeout(20_000);
  for await (const status of requests.watch(id, signal)) if (status.state === state) return status;
  throw new Error(`request ${id} did not become ${state}: ${JSON.stringify(await requests.status(id))}`);
}

/** A valid submission to the queue. */
export function submission(
  changes: Partial<Submission> = {},
  input: Readonly<Record<string, unknown>> = {},
): Submission {
  return {
    endpoint: audioToVideoLora,
    owner: 'local',
    surface: 'queue',
    input: { prompt: 'A woman speaks', audio_url: 'https://example.com/a.wav', loras: [], ...input },
    attachments: new Map(),
    priority: 'normal',
    storePayloads: true,
    caller: { fileBase: 'http://localhost/cdn', ownHosts: ['localhost'], tags: {}, retries: usualRetries },
    ...changes,
  };
}
