import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveHttp, type TestServer } from '../../src/fetching/http/file-server.test-support.ts';
import { baselineWasm } from '../support/databases/baseline-wasm.ts';
import { startPostgres, type TestPostgres } from '../support/databases/postgres.ts';
import { freePort, Spawned } from '../support/programs/spawned.ts';
import { eventually } from './support/eventually.ts';
import { expectSound } from './support/installation.ts';
import { PersistentSubmitter } from './support/persistent-submitter.ts';
import { seededRandom } from './support/seeded-random.ts';
import { unfinished } from './support/unfinished.ts';

const submissions = 200;
/** Of the one server; each of the three processes of the other test dies half as often. */
const killCount = Number(process.env.KILLS ?? 10);
const clipMilliseconds = 30;

let root: string;
let postgres: TestPostgres | undefined;
const delivered = new Set<string>();
let receiver: TestServer;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'soundstage-kill-loop-'));
  postgres = await startPostgres();
  receiver = await serveHttp((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (piece) => {
      text += piece;
    });
    request.on('end', () => {
      delivered.add((JSON.parse(text) as { request_id: string }).request_id);
      response.end();
    });
  });
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  await postgres?.[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

interface Installation {
  readonly dataFolder: string;
  readonly url: string;
  readonly environment: Readonly<Record<string, string>>;
}

async function newInstallation(settings: Readonly<Record<string, string>> = {}): Promise<Installation> {
  const dataFolder = await mkdtemp(join(root, 'data-'));
  const port = await freePort();
  const environment = {
    SOUNDSTAGE_DATA: dataFolder,
    SOUNDSTAGE_PORT: String(port),
    SOUNDSTAGE_ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    CLIP_MILLISECONDS: String(clipMilliseconds),
    ...settings,
  };
  return { dataFolder, url: `http://127.0.0.1:${port}`, environment };
}

/** Starts a process again and again and kills it, up to so many times; then lets one live and returns it. */
async function killAgainAndAgain(make: () => Spawned, kills: number, random: () => number): Promise<Spawned> {
  for (let kill = 0; kill < kills; kill++) {
    const victim = make();
    // One in five dies while it still starts.
    if (random() < 0.2) await wait(1500 * random());
    else {
      await victim.ready();
      await wait(800 * random());
    }
    if (victim.process.exitCode !== null) throw new Error(`it ended by itself: ${victim.errors}`);
    await victim.kill('SIGKILL');
  }
  const survivor = make();
  await survivor.ready();
  return survivor;
}

function seeded(name: string): () => number {
  const value = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  process.stdout.write(`${name}: SEED=${value}\n`);
  return seededRandom(value);
}

/** What happens after the last kill. */
async function expectDone(submitter: PersistentSubmitter, server: Spawned): Promise<void> {
  await eventually(
    120_000,
    async () => (await unfinished(submitter.url)) === 0,
    () => server.errors,
  );
  for (const [url, content] of submitter.uploaded) expect(await (await fetch(url)).text()).toBe(content);
  expect(submitter.uploaded.size).toBeGreaterThan(0);
  const missing = (): readonly string[] => submitter.accepted.filter((id) => !delivered.has(id));
  await eventually(60_000, () => missing().length === 0, missing);
  expect(server.errors).toBe('');
}

test('a server that is killed at any moment: what was accepted is made, once', async () => {
  const random = seeded('one server');
  const { dataFolder, url, environment } = await newInstallation();
  const submitter = new PersistentSubmitter({ url, webhookUrl: receiver.url, interval: () => 60 * random() });
  const [server] = await Promise.all([
    killAgainAndAgain(() => new Spawned({ program: 'server', flags: baselineWasm, environment }), killCount, random),
    submitter.submit(submissions),
  ]);
  await expectDone(submitter, server);
  await server[Symbol.asyncDispose]();
  await expectSound({ dataFolder }, submitter.accepted);
}, 900_000);

test('a server and two workers that are killed at any moment, on PostgreSQL', async (context) => {
  if (postgres === undefined) return context.skip('PostgreSQL is not installed');
  const random = seeded('two workers');
  const databaseUrl = await postgres.newDatabase();
  const { dataFolder, url, environment } = await newInstallation({ DATABASE_URL: databaseUrl });
  const submitter = new PersistentSubmitter({ url, webhookUrl: receiver.url, interval: () => 60 * random() });
  const worker = (): Spawned => new Spawned({ program: 'worker', flags: baselineWasm, environment });
  const [[server, ...workers]] = await Promise.all([
    Promise.all([
      killAgainAndAgain(
        () => new Spawned({ program: 'server', environment: { ...environment, CLIPS: 'elsewhere' } }),
        Math.ceil(killCount / 2),
        random,
      ),
      killAgainAndAgain(worker, Math.ceil(killCount / 2), random),
      killAgainAndAgain(worker, Math.ceil(killCount / 2), random),
    ]),
    submitter.submit(submissions),
  ]);
  await expectDone(submitter, server);
  for (const { errors } of workers) expect(errors).toBe('');
  await Promise.all([server, ...workers].map((each) => each[Symbol.asyncDispose]()));
  await expectSound({ dataFolder, databaseUrl }, submitter.accepted);
}, 900_000);
