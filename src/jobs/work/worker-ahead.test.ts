import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { startDatabases } from '../../../test/support/databases/databases.ts';
import type { ClipMakerContext, ClipRequest } from '../clip-maker.ts';
import { openJobs, submission, TestClipMaker, untilAborted } from '../jobs.test-support.ts';
import { channels } from '../request/queues.ts';

const databases = await startDatabases();
afterAll(() => databases[Symbol.asyncDispose]());
// What is tested here is the worker's; a server is the quicker of the two.
const kind = databases.kinds.at(-1) ?? 'embedded';
const serverTest = test.skipIf(!databases.kinds.includes('server'));

/** A maker that does not get done with clips of this prompt until they are released. */
function holding(maker: TestClipMaker, prompt: string): () => void {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  maker.behavior = async (request, context) => {
    if (request.input.prompt === prompt) await Promise.race([released, untilAborted(request, context)]);
  };
  return release;
}

test('a request whose inputs trickle in does not hold up those whose inputs are there, and can be cancelled', async () => {
  const options = await databases.newDatabase(kind);
  await using jobs = await openJobs(options);
  const trickle = async (request: ClipRequest, context: ClipMakerContext): Promise<void> => {
    if (request.input.prompt === 'trickle') await untilAborted(request, context);
  };
  jobs.maker.fetching = trickle;
  const slow = await Promise.all([1, 2].map(() => jobs.requests.submit(submission({}, { prompt: 'trickle' }))));
  const quick = await Promise.all([1, 2, 3].map(() => jobs.requests.submit(submission())));
  const worker = await jobs.worker();
  for (const { id } of quick) expect(await jobs.completed(id)).toMatchObject({ statusCode: 200 });
  for (const { id } of slow) {
    expect(await jobs.requests.status(id)).toMatchObject({ statusCode: undefined });
    expect(await jobs.requests.cancel(id, 'client_cancelled')).toBe('requested');
  }
  const last = await jobs.requests.submit(submission());
  expect(await jobs.completed(last.id)).toMatchObject({ statusCode: 200 });
  const folder = join(options.dataFolder, 'work', worker.id);
  await expect.poll(() => readdir(folder), { timeout: 5000 }).toEqual([]);
  expect(jobs.maker.started).toEqual([...quick, last].map(({ id }) => id));
  expect(jobs.troubles).toEqual([]);
});

test('inputs are fetched while another clip is made, and their request counts as waiting until it is its turn', async () => {
  await using jobs = await openJobs(await databases.newDatabase(kind));
  const { maker, requests } = jobs;
  const fetched: string[] = [];
  maker.fetching = async ({ id }) => void fetched.push(id);
  const release = holding(maker, 'long');
  const first = await requests.submit(submission({}, { prompt: 'long' }));
  await jobs.worker();
  await expect.poll(() => maker.started, { timeout: 10_000 }).toEqual([first.id]);
  const next = await requests.submit(submission());
  const after = await requests.submit(submission({ startTimeout: 0.5 }));
  const last = await requests.submit(submission());
  await expect.poll(() => fetched, { timeout: 10_000 }).toContain(next.id);
  expect(await requests.status(next.id)).toMatchObject({ state: 'IN_QUEUE', queuePosition: 0 });
  expect(await requests.counts()).toMatchObject({ running: 1 });
  // One waits with its inputs; when it is gone, the one after it is next, until it has waited for too long.
  expect(await requests.cancel(next.id, 'client_cancelled')).toBe('requested');
  expect(await jobs.completed(after.id)).toMatchObject({ statusCode: 504, errorType: 'request_timeout' });
  await expect.poll(() => fetched, { timeout: 10_000 }).toContain(last.id);
  release();
  expect(await jobs.completed(last.id)).toMatchObject({ statusCode: 200 });
  expect(maker.started).toEqual([first.id, last.id]);
});

serverTest('a request that waits for the model of one worker goes to another that has nothing to do', async () => {
  await using jobs = await openJobs(await databases.newDatabase('server'));
  const release = holding(jobs.maker, 'long');
  const fetched: string[] = [];
  jobs.maker.fetching = async ({ id }) => void fetched.push(id);
  const long = await jobs.requests.submit(submission({}, { prompt: 'long' }));
  await jobs.worker();
  await expect.poll(() => jobs.maker.started, { timeout: 10_000 }).toEqual([long.id]);
  const short = await jobs.requests.submit(submission());
  await expect.poll(() => fetched, { timeout: 10_000 }).toContain(short.id);
  const other = new TestClipMaker();
  await jobs.worker(other);
  expect(await jobs.completed(short.id)).toMatchObject({ statusCode: 200 });
  expect(other.started).toEqual([short.id]);
  release();
  expect(await jobs.completed(long.id)).toMatchObject({ statusCode: 200 });
});

serverTest('a request that has got the model is not given away while its start is written', async () => {
  await using jobs = await openJobs(await databases.newDatabase('server'));
  const { database, maker, requests } = jobs;
  const { id } = await requests.submit(submission());
  const waitsForLock = sql<object>`
    select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  await database.kysely.transaction().execute(async (transaction) => {
    maker.fetching = async () => {
      await transaction.selectFrom('requests').select('id').where('id', '=', id).forUpdate().execute();
    };
    await jobs.worker();
    const isStarting = async (): Promise<boolean> => (await waitsForLock.execute(database.kysely)).rows.length > 0;
    await expect.poll(isStarting, { timeout: 10_000 }).toBe(true);
    await database.notifications.notify(channels.idle, 'another worker');
    await sleep(200);
  });
  expect(await jobs.completed(id)).toMatchObject({ statusCode: 200 });
  expect(maker.started).toEqual([id]);
});

test('the death of a worker counts against what it made, not against what waited for the model', async () => {
  await using jobs = await openJobs(await databases.newDatabase(kind));
  const { maker, requests, database } = jobs;
  maker.behavior = untilAborted;
  const fetched: string[] = [];
  maker.fetching = async ({ id }) => void fetched.push(id);
  const made = await requests.submit(submission());
  const waiting = await requests.submit(submission());
  const worker = await jobs.worker();
  await expect.poll(() => fetched, { timeout: 10_000 }).toEqual([made.id, waiting.id]);
  await expect.poll(() => maker.started, { timeout: 10_000 }).toEqual([made.id]);
  maker.behavior = async () => {};
  // As if somebody else had them, who is not heard of any more.
  await database.kysely
    .updateTable('requests')
    .set({ worker: 'dead', heartbeat_at: new Date(0) })
    .execute();
  await jobs.housekeeping();
  expect(await jobs.completed(made.id)).toMatchObject({ statusCode: 200 });
  expect(worker.id).not.toBe('dead');
  expect(maker.started.slice(-2)).toEqual([waiting.id, made.id]);
  const counted = sql<object>`select interruptions from requests order by sequence`;
  expect((await counted.execute(database.kysely)).rows).toEqual([{ interruptions: 1 }, { interruptions: 0 }]);
});
