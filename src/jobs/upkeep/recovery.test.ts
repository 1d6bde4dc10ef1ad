import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { startDatabases } from '../../../test/support/databases/databases.ts';
import { startPostgres } from '../../../test/support/databases/postgres.ts';
import type { DatabaseOptions } from '../../database/open-database.ts';
import { openJobs, submission } from '../jobs.test-support.ts';
import { noRetries } from '../request/retries.ts';

const databases = await startDatabases();
afterAll(() => databases[Symbol.asyncDispose]());
const serverTest = test.skipIf(!databases.kinds.includes('server'));

const base = 'http://localhost/cdn';

interface WorkerProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  /** The next request it starts, and the folder it does so in. */
  started(): Promise<{ readonly started: string; readonly folder: string }>;
  end(signal: NodeJS.Signals): Promise<void>;
  /** Resolves when it ends by itself. */
  readonly ended: Promise<unknown>;
}

async function startProcess(options: DatabaseOptions): Promise<WorkerProcess> {
  const child = fork(new URL('../work/worker-process.test-support.ts', import.meta.url), [JSON.stringify(options)]);
  const messages: Record<string, string>[] = [];
  const waiting: ((message: Record<string, string>) => void)[] = [];
  child.on('message', (message: Record<string, string>) => {
    const resolve = waiting.shift();
    if (resolve === undefined) messages.push(message);
    else resolve(message);
  });
  const next = (): Promise<Record<string, string>> =>
    new Promise((resolve) => {
      const message = messages.shift();
      if (message === undefined) waiting.push(resolve);
      else resolve(message);
    });
  const ended = once(child, 'exit');
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await ended;
  };
  expect(await next()).toHaveProperty('ready');
  return {
    child,
    started: async () => {
      const { started = '', folder = '' } = await next();
      return { started, folder };
    },
    end,
    ended,
    [Symbol.asyncDispose]: () => end('SIGKILL'),
  };
}

test('a killed process on the embedded database leaves nothing undone: the next one takes its requests up', async () => {
  const options = await databases.newDatabase('embedded');
  const ids: Record<string, string> = {};
  {
    await using jobs = await openJobs(options);
    for (const [name, changes] of Object.entries({
      running: {},
      waiting: {},
      run: { surface: 'run' as const },
      final: { caller: { ...submission().caller, retries: noRetries } },
    })) {
      ids[name] = (await jobs.requests.submit(submission(changes))).id;
    }
  }
  await using first = await startProcess(options);
  const { started, folder } = await first.started();
  // The direct run was given up by the start of that process: nobody can be waiting for it any more.
  expect(started).toBe(ids.running);
  await first.end('SIGKILL');
  await access(folder);

  await using jobs = await openJobs(options);
  await jobs.housekeeping();
  expect(await jobs.requests.status(started)).toMatchObject({ state: 'IN_QUEUE', queuePosition: 2 });
  await jobs.worker();
  expect(await jobs.completed(started)).toMatchObject({ statusCode: 200 });
  expect(await jobs.requests.status(ids.final ?? '')).toMatchObject({ statusCode: 200 });
  expect(await jobs.requests.status(ids.waiting ?? '')).toMatchObject({ statusCode: 200 });
  expect(await jobs.requests.outcome(ids.run ?? '', base)).toMatchObject({
    statusCode: 499,
    errorType: 'client_disconnected',
  });
  // The one that was being made may be to blame; the one whose inputs were there already is not.
  expect(jobs.maker.started).toEqual([ids.waiting, ids.final, ids.running]);
  await expect(access(folder)).rejects.toThrow();
  const rows = await jobs.database.kysely.selectFrom('requests').selectAll().execute();
  expect(rows.find(({ id }) => id === started)).toMatchObject({ crashes: 0, interruptions: 1 });
  expect(rows.find(({ id }) => id === ids.waiting)).toMatchObject({ interruptions: 0 });
}, 120_000);

test('a process that is killed again and again over one request ends it cleanly', async () => {
  const options = await databases.newDatabase('embedded');
  let id = '';
  {
    await using jobs = await openJobs(options);
    ({ id } = await jobs.requests.submit(submission()));
  }
  for (let round = 0; round < 2; round++) {
    await using process = await startProcess(options);
    expect(await process.started()).toMatchObject({ started: id });
    await process.end('SIGKILL');
  }
  await using jobs = await openJobs(options);
  await jobs.housekeeping();
  await jobs.worker();
  expect(await jobs.requests.status(id)).toMatchObject({ state: 'COMPLETED', statusCode: 500 });
  expect(jobs.maker.started).toEqual([]);
}, 120_000);

test('a request that kills its process does so twice, and not before those that waited at the first time', async () => {
  const options = await databases.newDatabase('embedded');
  const ids: string[] = [];
  {
    await using jobs = await openJobs(options);
    for (const prompt of ['kill', 'finish', 'finish']) {
      ids.push((await jobs.requests.submit(submission({}, { prompt }))).id);
    }
  }
  for (let round = 0; round < 2; round++) {
    await using process = await startProcess(options);
    await process.ended;
  }
  await using jobs = await openJobs(options);
  await jobs.housekeeping();
  await jobs.worker();
  const [killer = '', ...others] = ids;
  expect(await jobs.requests.outcome(killer, base)).toMatchObject({
    statusCode: 500,
    errorType: 'runner_server_error',
    body: { detail: expect.stringContaining('died, twice') },
  });
  // The second process made them before it got to the killer again, and may not have stored them yet.
  for (const id of others) expect(await jobs.completed(id)).toMatchObject({ statusCode: 200 });
  expect(jobs.maker.started).not.toContain(killer);
  const counted = sql<object>`select interruptions from requests where id = ${killer}`;
  expect((await counted.execute(jobs.database.kysely)).rows).toEqual([{ interruptions: 2 }]);
  const { rows } = await sql<object>`select distinct interruptions from requests where id <> ${killer}`.execute(
    jobs.database.kysely,
  );
  expect(rows).toEqual([{ interruptions: 0 }]);
}, 120_000);

serverTest(
  'a killed worker on a server is noticed within 15 s, and a live one is left alone',
  async () => {
    const options = await databases.newDatabase('server');
    await using jobs = await openJobs(options);
    await using killed = await startProcess(options);
    await using alive = await startProcess(options);
    const first = await jobs.requests.submit(submission());
    const second = await jobs.requests.submit(submission());
    const ofKilled = await killed.started();
    const ofAlive = await alive.started();
    expect([ofKilled.started, ofAlive.started].sort()).toEqual([first.id, second.id].sort());
    await killed.end('SIGKILL');
    const end = performance.now();
    await jobs.housekeeping();
    await jobs.worker();
    expect(await jobs.completed(ofKilled.started)).toMatchObject({ statusCode: 200 });
    expect(performance.now() - end).toBeLessThan(16_000);
    expect(await jobs.requests.status(ofAlive.started)).toMatchObject({ state: 'IN_PROGRESS' });
    // Folders of the dead are swept with the start of a worker, those of the living are not.
    await access(ofAlive.folder);
  },
  40_000,
);

serverTest(
  'a worker survives a restart of PostgreSQL, with the clip it was making',
  async () => {
    await using postgres = await startPostgres();
    if (postgres === undefined) throw new Error('PostgreSQL was found before');
    const { dataFolder } = await databases.newDatabase('server');
    await using jobs = await openJobs({ dataFolder, databaseUrl: await postgres.newDatabase() });
    await mkdir(dataFolder, { recursive: true });
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    let once = true;
    jobs.maker.behavior = async (_, { log }) => {
      if (!once) return;
      once = false;
      log('INFO', 'before');
      const restarted = postgres.restart();
      await new Promise((resolve) => setTimeout(resolve, 50));
      log('INFO', 'during');
      go();
      void restarted;
    };
    const { id } = await jobs.requests.submit(submission());
    await jobs.worker();
    await gate;
    expect(await jobs.completed(id)).toMatchObject({ statusCode: 200 });
    const messages = (await jobs.requests.logs(id)).map(({ message }) => message);
    expect(messages.filter((message) => message === 'during')).toEqual(['during']);
    expect(jobs.maker.started).toEqual([id]);
    expect(await jobs.fileOf(id)).toBe('clip of A woman speaks');
    const after = await jobs.requests.submit(submission());
    expect(await jobs.completed(after.id)).toMatchObject({ statusCode: 200 });
  },
  60_000,
);

test('folders of dead workers are swept, whoever made them', async () => {
  const options = await databases.newDatabase('embedded');
  const work = join(options.dataFolder, 'work');
  await mkdir(join(work, 'dead', 'request-1'), { recursive: true });
  await writeFile(join(work, 'dead', 'request-1', 'input'), 'x');
  await writeFile(join(work, 'dead.lock'), '');
  await using jobs = await openJobs(options);
  const worker = await jobs.worker();
  const others = (await readdir(work)).filter((name) => !name.startsWith(worker.id));
  expect(others).toEqual([]);
});
