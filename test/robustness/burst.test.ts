import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { putEmptyDatabase } from '../support/databases/databases.ts';
import { startPostgres, type TestPostgres } from '../support/databases/postgres.ts';
import { Spawned } from '../support/programs/spawned.ts';
import { app, endpointId, input } from './support/endpoint.ts';
import { eventually } from './support/eventually.ts';
import { expectSound } from './support/installation.ts';
import { LoadAgent } from './support/load-agent.ts';
import { unfinished } from './support/unfinished.ts';

const maxConnections = 200;

let root: string;
let postgres: TestPostgres | undefined;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'soundstage-burst-'));
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres?.[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

// SUBMISSIONS=10000 takes some minutes more. Making all of them takes minutes, so that a part is made and the rest is cancelled;
// MADE=10000 makes all.
const submissions = Number(process.env.SUBMISSIONS ?? 1000);
const made = Number(process.env.MADE ?? 100);

test.for([
  { kind: 'embedded', submissions, made },
  { kind: 'server', submissions, made },
])(
  'a burst of $submissions submissions, $kind database: all are accepted, found and over in the end',
  { timeout: 900_000 },
  async (burst, context) => {
    if (burst.kind === 'server' && postgres === undefined) return context.skip('PostgreSQL is not installed');
    const dataFolder = await mkdtemp(join(root, 'data-'));
    if (burst.kind === 'embedded') await putEmptyDatabase(dataFolder, '128MB');
    const databaseUrl = burst.kind === 'server' ? await postgres?.newDatabase() : undefined;
    const location = databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl };
    const environment = { SOUNDSTAGE_DATA: dataFolder, SOUNDSTAGE_PORT: '0', ...location };
    using agent = new LoadAgent(maxConnections);
    const ids = await submit(environment, burst.submissions, agent);

    await using server = new Spawned({ program: 'server', environment });
    await using _worker = databaseUrl === undefined ? undefined : new Spawned({ program: 'worker', environment });
    const url = await server.ready();
    const began = performance.now();
    await Promise.all(ids.slice(burst.made).map((id) => agent.ask(`${url}/queue/${app}/requests/${id}/cancel`, 'PUT')));
    await eventually(
      600_000,
      async () => (await unfinished(url)) === 0,
      () => unfinished(url),
    );
    process.stdout.write(`over after ${seconds(began)} s\n`);
    const finals = await Promise.all(ids.map((id) => agent.ask(`${url}/queue/${app}/requests/${id}/status`)));
    const errors = finals.map(({ body }) => (JSON.parse(body) as { error_type?: string }).error_type);
    expect(finals.filter(({ status }) => status !== 200)).toEqual([]);
    expect(errors.slice(0, burst.made).filter((error) => error !== undefined)).toEqual([]);
    expect(errors.slice(burst.made).filter((error) => error !== undefined && error !== 'client_cancelled')).toEqual([]);
    expect(server.errors).toBe('');
    await server[Symbol.asyncDispose]();
    await _worker?.[Symbol.asyncDispose]();
    if (burst.made === burst.submissions) await expectSound({ dataFolder, databaseUrl }, ids);
  },
);

/** Submits that many to a server that is killed right after its last reply. */
async function submit(
  environment: Readonly<Record<string, string>>,
  count: number,
  agent: LoadAgent,
): Promise<readonly string[]> {
  await using server = new Spawned({ program: 'server', environment: { ...environment, CLIPS: 'elsewhere' } });
  const url = await server.ready();
  await server.watchMemory();
  const body = JSON.stringify(input);
  const began = performance.now();
  const replies = await Promise.all(
    Array.from({ length: count }, () => agent.ask(`${url}/queue/${endpointId}`, 'POST', body)),
  );
  process.stdout.write(`${count} submissions accepted in ${seconds(began)} s`);
  expect(replies.filter(({ status }) => status !== 200)).toEqual([]);
  const ids = replies.map((reply) => (JSON.parse(reply.body) as { request_id: string }).request_id);
  expect(new Set(ids).size).toBe(count);
  const asked = performance.now();
  const statuses = await Promise.all(ids.map((id) => agent.ask(`${url}/queue/${app}/requests/${id}/status`)));
  for (const [index, { status, body }] of statuses.entries()) {
    expect([status, JSON.parse(body)]).toMatchObject([202, { request_id: ids[index], status: 'IN_QUEUE' }]);
  }
  process.stdout.write(`, found in ${seconds(asked)} s, at most ${(await server.peakMemory()) / 1e6} MB\n`);
  expect(await server.peakMemory()).toBeLessThan(1.5e9);
  expect((await agent.ask(`${url}/health`)).status).toBe(200);
  expect(server.errors).toBe('');
  await server.kill('SIGKILL');
  return ids;
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}
