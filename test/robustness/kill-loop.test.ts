import { createServer } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveHttp, type TestServer } from '../../src/fetching/test-server.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { freePort, Spawned } from '../support/spawned.ts';
import { eventually, expectSound } from './installation.ts';
import { PersistentSubmitter } from './persistent-submitter.ts';
import { seededRandom } from './seeded-random.ts';

const SUBMISSIONS = 200;
const KILLS = 20;
const CLIP_MILLISECONDS = 30;

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
    CLIP_MILLISECONDS: String(CLIP_MILLISECONDS),
    ...settings,
  };
  return { dataFolder, url: `http://127.0.0.1:${port}`, environment };
}

/** Starts a process again and again and kills it, up to so many times; then lets one live and returns it. */
async function killAgainAndAgain(
  make: () => Spawned,
  kills: number,
  lifetime: () => { readonly afterReady: boolean; readonly milliseconds: number },
): Promise<Spawned> {
  for (let kill = 0; kill < kills; kill++) {
    const victim = make();
    const { afterReady, milliseconds } = lifetime();
    const started = performance.now();
    if (afterReady) await victim.ready();
    if (process.env.TRACE) process.stdout.write(`kill ${kill} ready=${afterReady} ${Math.round(performance.now() - started)} ms\n`);
    await wait(milliseconds);
    if (victim.process.exitCode !== null) throw new Error(`it ended by itself: ${victim.errors}`);
    await victim.kill('SIGKILL');
  }
  const survivor = make();
  await survivor.ready();
  return survivor;
}

function seed(name: string): () => number {
  const value = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  process.stdout.write(`${name}: SEED=${value}\n`);
  return seededRandom(value);
}

async function waiting(url: string): Promise<number> {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n');
  const values = lines.filter((line) => line.startsWith('soundstage_requests{')).map((line) => line.split(' ')[1]);
  return values.reduce((sum, value) => sum + Number(value), 0);
}

async function expectKept(submitter: PersistentSubmitter): Promise<void> {
  for (const [url, content] of submitter.uploaded) expect(await (await fetch(url)).text()).toBe(content);
  expect(submitter.uploaded.size).toBeGreaterThan(0);
}

test('a server that is killed at any moment: what was accepted is made, once', async () => {
  const random = seed('one server');
  const { dataFolder, url, environment } = await newInstallation();
  const submitter = new PersistentSubmitter({ url, webhookUrl: receiver.url, interval: () => 60 * random() });
  const submitting = submitter.submit(SUBMISSIONS);
  const done = new AbortController();
  const asking = submitter.results(done.signal);
  const server = await killAgainAndAgain(
    () => new Spawned({ program: 'server', environment }),
    KILLS,
    // One in five while it still starts.
    () => (random() < 0.2 ? { afterReady: false, milliseconds: 1500 * random() } : { afterReady: true, milliseconds: 800 * random() }),
  );
  await submitting;
  await eventually(60_000, async () => (await waiting(url)) === 0, () => server.errors);
  done.abort();
  // Nobody was ever told two different things about the same request.
  for (const [, answers] of await asking) expect(answers.size).toBe(1);
  await expectKept(submitter);
  const missing = (): readonly string[] => submitter.accepted.filter((id) => !delivered.has(id));
  await eventually(30_000, () => missing().length === 0, missing);
  expect(server.errors).toBe('');
  await server[Symbol.asyncDispose]();
  await expectSound({ dataFolder }, submitter.accepted);
}, 900_000);
