import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { servedEndpoints } from '../../../src/contract/endpoints/served-endpoints.ts';
import { openDatabase } from '../../../src/database/open-database.ts';
import type { RequestState } from '../../../src/database/tables.ts';
import { openFileStore } from '../../../src/files/open-file-store.ts';
import { PipelineClipMaker } from '../../../src/jobs/making/pipeline-clip-maker.ts';
import { Worker } from '../../../src/jobs/work/worker.ts';
import { jsonLogger } from '../../../src/shared/logger.ts';
import { type DatabaseKind, startDatabases, type TestDatabases } from '../../support/databases/databases.ts';
import { startTestServer, type TestServer, type TestServerOptions } from '../../support/server.ts';
import { type CallOptions, call, open, type Reply } from './calls.ts';
import { app, id } from './names.ts';
import { ScriptedClipMaker } from './scripted-clip-maker.ts';

export interface StageOptions {
  /** Who makes the clips; default a script. */
  readonly maker?: 'pipeline' | undefined;
  readonly settings?: TestServerOptions['settings'];
}

/**
 * Runs the tests on the embedded database and again on PostgreSQL, where two workers share the queue. Call it at the top
 * of a test file and wait for it.
 */
export async function onEachDatabase(
  section: string,
  options: StageOptions,
  tests: (stage: Stage) => void,
): Promise<void> {
  const databases = await openDatabases();
  for (const kind of ['embedded', 'server'] as const) {
    const isInstalled = databases.kinds.includes(kind);
    if (!isInstalled) process.stdout.write(`not run: ${section} on PostgreSQL, which is not installed\n`);
    describe.skipIf(!isInstalled)(`${section} (${kind} database)`, () => {
      const stage = new Stage(databases, kind);
      beforeAll(() => stage.open(options));
      afterEach(() => stage.clear());
      afterAll(() => stage[Symbol.asyncDispose]());
      tests(stage);
    });
  }
}

let opening: Promise<TestDatabases> | undefined;

/** One for all sections of a file. */
function openDatabases(): Promise<TestDatabases> {
  if (opening === undefined) {
    opening = startDatabases();
    afterAll(async () => {
      const databases = await opening;
      opening = undefined;
      await databases?.[Symbol.asyncDispose]();
    });
  }
  return opening;
}

/** A listening server that asks for keys, and what tests do with it. */
export class Stage implements AsyncDisposable {
  readonly kind: DatabaseKind;
  /** Of the stage and of every server that tests start besides it. */
  readonly databases: TestDatabases;
  readonly maker = new ScriptedClipMaker();
  readonly #opened = new AsyncDisposableStack();
  #server: TestServer | undefined;
  #authorization = '';

  constructor(databases: TestDatabases, kind: DatabaseKind) {
    this.databases = databases;
    this.kind = kind;
  }

  async open({ maker = undefined, settings }: StageOptions): Promise<void> {
    const { dataFolder, databaseUrl } = await this.databases.newDatabase(this.kind);
    this.#server = this.#opened.use(
      await startTestServer({
        maker: maker ?? this.maker,
        dataFolder,
        settings: { SOUNDSTAGE_AUTH: 'keys', DATABASE_URL: databaseUrl ?? '', ...settings },
      }),
    );
    if (this.kind === 'server') await this.#openSecondWorker(maker);
    this.#authorization = await this.newKey('API');
  }

  get server(): TestServer {
    if (this.#server === undefined) throw new Error('the stage is not open');
    return this.#server;
  }

  get url(): string {
    return this.server.url;
  }

  /** How many clips are made at a time. */
  get workers(): number {
    return this.kind === 'server' ? 2 : 1;
  }

  /** The header of the key that calls are made with. */
  get authorization(): string {
    return this.#authorization;
  }

  /** `id:secret` of the same key. */
  get credentials(): string {
    return this.#authorization.replace(/^Key /, '');
  }

  /** Makes another key and returns its header. */
  async newKey(scope: 'API' | 'ADMIN'): Promise<string> {
    const { id: key, secret } = await this.server.keys.create({ name: 'conformance', scope });
    return `Key ${key}:${secret}`;
  }

  /** A call with the key, unless other credentials are given. */
  call(path: string, options: CallOptions = {}): Promise<Reply> {
    return call(new URL(path, this.url), this.#withKey(options));
  }

  /** The same without reading the body. */
  openCall(path: string, options: CallOptions = {}): Promise<Response> {
    return open(new URL(path, this.url), this.#withKey(options));
  }

  anonymous(path: string, options: CallOptions = {}): Promise<Reply> {
    return call(new URL(path, this.url), options);
  }

  run(input: unknown, headers: CallOptions['headers'] = {}, endpoint = id): Promise<Reply> {
    return this.call(`/run/${endpoint}`, { body: input, headers });
  }

  /** Submits to the queue, and returns the id. */
  async submit(input: unknown, { headers = {}, query = '' } = {}): Promise<string> {
    const { status, body } = await this.call(`/queue/${id}${query}`, { body: input, headers });
    expect([status, body.status]).toEqual([200, 'IN_QUEUE']);
    return body.request_id;
  }

  status(requestId: string, query = ''): Promise<Reply> {
    return this.call(`/queue/${app}/requests/${requestId}/status${query}`);
  }

  result(requestId: string): Promise<Reply> {
    return this.call(`/queue/${app}/requests/${requestId}`);
  }

  cancel(requestId: string): Promise<Reply> {
    return this.call(`/queue/${app}/requests/${requestId}/cancel`, { method: 'PUT' });
  }

  async inState(requestId: string, state: RequestState): Promise<void> {
    const signal = AbortSignal.timeout(30_000);
    for await (const status of this.server.requests.watch(requestId, signal)) if (status.state === state) return;
    throw new Error(`request ${requestId} is not ${state}`);
  }

  async completed(input: unknown, options: Parameters<Stage['submit']>[1] = {}): Promise<string> {
    const requestId = await this.submit(input, options);
    await this.inState(requestId, 'COMPLETED');
    return requestId;
  }

  /** Gives every worker a clip that it holds; dispose to have them finished. */
  async occupy(): Promise<AsyncDisposable & { readonly ids: readonly string[] }> {
    const ids: string[] = [];
    for (let worker = 0; worker < this.workers; worker += 1) {
      const requestId = await this.submit({ prompt: 'Hold on', audio_url: 'https://example.com/a.wav', loras: [] });
      await this.inState(requestId, 'IN_PROGRESS');
      // It is taken before it is being made.
      await expect.poll(() => this.maker.started.includes(requestId)).toBe(true);
      ids.push(requestId);
    }
    return {
      ids,
      [Symbol.asyncDispose]: async () => {
        for (const requestId of ids) this.maker.release(requestId);
        await Promise.all(ids.map((requestId) => this.inState(requestId, 'COMPLETED')));
      },
    };
  }

  /** Waits until nothing is on its way any more, so that no test finds what another one left. */
  async clear(): Promise<void> {
    for (const end = Date.now() + 30_000; ; await sleep(20)) {
      this.maker.release();
      const { waiting, running } = await this.server.requests.counts();
      if (waiting + running === 0) return;
      if (Date.now() > end) throw new Error(`${waiting} requests still wait and ${running} still run`);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync();
  }

  #withKey({ headers, ...options }: CallOptions): CallOptions {
    return { ...options, headers: { authorization: this.#authorization, ...headers } };
  }

  async #openSecondWorker(maker: StageOptions['maker']): Promise<void> {
    const { configuration, dataFolder } = this.server;
    const logger = jsonLogger({ write: (line) => console.error(line.trimEnd()) }, 'error');
    const options = { dataFolder, databaseUrl: configuration.DATABASE_URL };
    const database = this.#opened.use(await openDatabase(options));
    const files = this.#opened.use(await openFileStore(database.kysely, configuration));
    const own =
      maker === undefined
        ? this.maker
        : this.#opened.use(await PipelineClipMaker.open({ configuration, files, logger }));
    const payloadRetention = configuration.SOUNDSTAGE_PAYLOAD_RETENTION;
    const worker = await Worker.open({
      endpoints: servedEndpoints,
      database,
      files,
      dataFolder,
      minFree: 0,
      payloadRetention,
      logger,
      maker: own,
    });
    this.#opened.use(worker).start();
  }
}
