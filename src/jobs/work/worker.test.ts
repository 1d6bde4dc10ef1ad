import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, describe, expect, test } from 'vitest';
import { startDatabases } from '../../../test/support/databases/databases.ts';
import type { Retries } from '../../database/json-columns.ts';
import { SoundstageError } from '../../shared/errors.ts';
import type { ClipRequest } from '../clip-maker.ts';
import { openJobs, submission, TestClipMaker, untilAborted, withoutInputs } from '../jobs.test-support.ts';
import { noRetries } from '../request/retries.ts';

const databases = await startDatabases();
afterAll(() => databases[Symbol.asyncDispose]());

const base = 'http://localhost/cdn';

function retried(retries: Retries) {
  return { caller: { ...submission().caller, retries } };
}

describe.each(databases.kinds)('a worker (%s)', (kind) => {
  test('tries again after a crash, in the same place, and twice at most unless its caller wants it otherwise', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { requests, maker } = jobs;
    const crashing = new Map([
      ['once', 1],
      ['always', 9],
      ['often', 9],
    ]);
    const seeds = new Map<string, Set<number>>();
    maker.behavior = async ({ input: { prompt }, seed }) => {
      seeds.set(prompt, (seeds.get(prompt) ?? new Set()).add(seed));
      const left = crashing.get(prompt) ?? 0;
      crashing.set(prompt, left - 1);
      if (left > 0) throw new SoundstageError('crash', 'the engine ended unexpectedly by signal SIGKILL');
    };
    const once = await requests.submit(submission({}, { prompt: 'once' }));
    const always = await requests.submit(submission({}, { prompt: 'always' }));
    const often = await requests.submit(submission(retried({ crashes: 4, interruptions: 0 }), { prompt: 'often' }));
    const last = await requests.submit(submission({}, { prompt: 'last' }));
    await jobs.worker();
    expect(await jobs.completed(last.id)).toMatchObject({ statusCode: 200 });
    expect(await requests.status(once.id)).toMatchObject({ statusCode: 200 });
    const counted = sql<object>`select crashes from requests where id in (${once.id}, ${always.id}) order by sequence`;
    expect((await counted.execute(jobs.database.kysely)).rows).toEqual([{ crashes: 1 }, { crashes: 3 }]);
    expect(await requests.outcome(always.id, base)).toMatchObject({
      statusCode: 500,
      units: 0,
      body: { detail: [{ type: 'internal_server_error' }] },
    });
    expect(await requests.status(often.id)).toMatchObject({ statusCode: 500 });
    const starts = [once, once, always, always, always, often, often, often, often, often, last];
    expect(maker.started).toEqual(starts.map(({ id }) => id));
    // All attempts of a request have its seed, which no other has.
    expect([...seeds.values()].map(({ size }) => size)).toEqual([1, 1, 1, 1]);
    expect(new Set([...seeds.values()].flatMap((own) => [...own])).size).toBe(4);
  });

  test('tells a request to an endpoint that it does not know, and goes on', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { requests, maker } = jobs;
    const { endpoint } = submission();
    const unknown = await requests.submit(submission({ endpoint: { ...endpoint, id: 'fal-ai/of/tomorrow' } }));
    const known = await requests.submit(submission());
    await jobs.worker();
    expect(await jobs.completed(known.id)).toMatchObject({ statusCode: 200 });
    expect(await requests.outcome(unknown.id, base)).toMatchObject({
      statusCode: 500,
      units: 0,
      body: { detail: 'Endpoint "fal-ai/of/tomorrow" is not served by this worker', error_type: 'runner_server_error' },
    });
    expect(maker.started).toEqual([known.id]);
  });

  test('a clock that jumps makes no clip take less than no time, or hours', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { requests, maker, database } = jobs;
    for (const jump of ['1 hour', '-1 hour']) {
      const jumped = async (): Promise<void> => {
        await sql`update requests set started_at = started_at + ${jump}::interval where state = 'IN_PROGRESS'`.execute(
          database.kysely,
        );
      };
      maker.behavior = jumped;
      const { id } = await requests.submit(submission());
      if (maker.started.length === 0) await jobs.worker();
      const { inferenceSeconds } = await jobs.completed(id);
      expect(inferenceSeconds).toBeGreaterThanOrEqual(0);
      expect(inferenceSeconds).toBeLessThan(600);
    }
    maker.behavior = untilAborted;
    const { id } = await requests.submit(submission());
    // It is in progress before it has been started.
    await expect.poll(() => maker.started, { timeout: 10_000 }).toContain(id);
    await sql`update requests set started_at = started_at + interval '1 hour' where id = ${id}`.execute(
      database.kysely,
    );
    await requests.cancel(id, 'client_cancelled');
    expect((await jobs.completed(id)).inferenceSeconds).toBe(0);
  });

  test.each([
    ['direct run', { surface: 'run' }],
    ['X-Fal-No-Retry', retried(noRetries)],
  ] as const)('does not try again: %s', async (_, changes) => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    jobs.maker.behavior = () => Promise.reject(new SoundstageError('crash', 'the engine died'));
    const { id } = await jobs.requests.submit(submission(changes));
    await jobs.worker();
    expect(await jobs.completed(id)).toMatchObject({ statusCode: 500 });
    expect(jobs.maker.started).toEqual([id]);
  });

  test('any other error is final and says what to change; an unknown one gives nothing away', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { requests, maker } = jobs;
    const errors = [
      new SoundstageError('input', 'audio cannot be decoded', { field: 'audio' }),
      new Error('cannot read /root/secret'),
    ];
    maker.behavior = () => Promise.reject(errors.shift());
    const input = await requests.submit(submission());
    const internal = await requests.submit(submission());
    await jobs.worker();
    await jobs.completed(internal.id);
    expect(await requests.outcome(input.id, base)).toMatchObject({
      statusCode: 422,
      errorType: 'unsupported_audio_format',
      body: { detail: [{ loc: ['body', 'audio_url'], input: 'https://example.com/a.wav' }] },
    });
    const outcome = await requests.outcome(internal.id, base);
    expect(outcome).toMatchObject({ statusCode: 500 });
    expect(JSON.stringify([outcome, await requests.logs(internal.id)])).not.toContain('secret');
    expect(await jobs.fileOf(input.id)).toBeUndefined();
  });

  test('two of them share the queue and never a request', async () => {
    const options = await databases.newDatabase(kind);
    await using jobs = await openJobs(options);
    const other = new TestClipMaker();
    const pause = async (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
    jobs.maker.behavior = pause;
    other.behavior = pause;
    const accepted = await Promise.all(Array.from({ length: 60 }, () => jobs.requests.submit(submission())));
    await jobs.worker();
    await jobs.worker(other);
    for (const { id } of accepted) expect(await jobs.completed(id)).toMatchObject({ statusCode: 200 });
    expect([...jobs.maker.started, ...other.started].sort()).toEqual(accepted.map(({ id }) => id).sort());
    expect(jobs.maker.started.length).toBeGreaterThan(5);
    expect(other.started.length).toBeGreaterThan(5);
    expect(await jobs.requests.counts()).toEqual({ waiting: 0, running: 0 });
    expect(await jobs.database.boss.findJobs('clips')).toEqual([]);
  });

  test('gives its request back when it stops, without counting it, and leaves no folder', async () => {
    const options = await databases.newDatabase(kind);
    await using jobs = await openJobs(options);
    jobs.maker.behavior = untilAborted;
    const first = await jobs.requests.submit(submission());
    const second = await jobs.requests.submit(submission());
    const worker = await jobs.worker();
    await expect.poll(() => jobs.maker.started, { timeout: 10_000 }).toEqual([first.id]);
    await worker[Symbol.asyncDispose]();
    expect(await jobs.requests.status(first.id)).toMatchObject({ state: 'IN_QUEUE', queuePosition: 0 });
    const counted = sql<object>`select crashes, interruptions from requests where id = ${first.id}`;
    expect((await counted.execute(jobs.database.kysely)).rows).toEqual([{ crashes: 0, interruptions: 0 }]);
    expect(await readdir(join(options.dataFolder, 'work'))).toEqual([]);

    jobs.maker.behavior = async () => {};
    await jobs.worker();
    await jobs.completed(second.id);
    expect(await jobs.completed(first.id)).toMatchObject({ statusCode: 200 });
    expect(jobs.maker.started).toEqual([first.id, first.id, second.id]);
  });

  test('finishes what is made already when it stops', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { id } = await jobs.requests.submit(submission());
    const maker = new TestClipMaker();
    const worker = await jobs.worker({
      prepare: async (request, context) =>
        withoutInputs(async () => {
          const made = await maker.make(request, context);
          setImmediate(() => void worker[Symbol.asyncDispose]());
          return made;
        }),
      probe: maker.probe,
      [Symbol.asyncDispose]: async () => {},
    });
    expect(await jobs.completed(id)).toMatchObject({ statusCode: 200 });
  });

  test('that was paused cannot write what another one does meanwhile, and its file is removed', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { requests, maker, database } = jobs;
    const other = new TestClipMaker();
    const begun = Promise.withResolvers<void>();
    const paused = Promise.withResolvers<void>();
    // Goes on regardless of its signal, as a process does that was stopped and continues.
    const stubborn = {
      prepare: async (request: ClipRequest, context: Parameters<TestClipMaker['make']>[1]) =>
        withoutInputs(async () => {
          begun.resolve();
          await paused.promise;
          context.log('INFO', 'from beyond');
          return await maker.make(request, { ...context, signal: new AbortController().signal });
        }),
      probe: maker.probe,
      [Symbol.asyncDispose]: async () => {},
    };
    const { id } = await requests.submit(submission());
    const first = await jobs.worker(stubborn);
    await begun.promise;
    // Its heartbeats stop, and somebody notices.
    await database.kysely
      .updateTable('requests')
      .set({ attempt: 100, heartbeat_at: new Date(0) })
      .where('id', '=', id)
      .execute();
    await jobs.housekeeping();
    await jobs.inState(id, 'IN_QUEUE');
    other.behavior = untilAborted;
    await jobs.worker(other);
    await jobs.inState(id, 'IN_PROGRESS');
    paused.resolve();
    await expect.poll(() => first.current).toBeUndefined();
    expect(await requests.status(id)).toMatchObject({ state: 'IN_PROGRESS' });
    expect((await requests.logs(id)).map(({ message }) => message)).toEqual([
      'the worker stopped; the request is back in the queue',
    ]);
    await expect.poll(() => database.kysely.selectFrom('files').select('id').execute()).toEqual([]);
  });

  test('a request that ends every worker is given up, and one that must not be retried at once', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { requests, maker, database } = jobs;
    maker.behavior = untilAborted;
    const { id } = await requests.submit(submission());
    await jobs.worker();
    // It is in progress before it has been started.
    await expect.poll(() => maker.started, { timeout: 10_000 }).toEqual([id]);
    const silent = { heartbeat_at: new Date(0), attempt: 50 };
    await database.kysely
      .updateTable('requests')
      .set({ ...silent, interruptions: 1 })
      .execute();
    const housekeeping = await jobs.housekeeping();
    expect(await jobs.completed(id)).toMatchObject({ statusCode: 500, errorType: 'runner_server_error' });
    expect(housekeeping).toBeDefined();
    const silence = async (request: string, starts = 1): Promise<void> => {
      const started = (): number => maker.started.filter((one) => one === request).length;
      await expect.poll(started, { timeout: 10_000 }).toBe(starts);
      await database.kysely.updateTable('requests').set(silent).where('id', '=', request).execute();
    };
    const single = await requests.submit(submission(retried(noRetries)));
    await silence(single.id);
    expect(await jobs.completed(single.id)).toMatchObject({ statusCode: 503, errorType: 'runner_disconnected' });
    const twice = await requests.submit(submission(retried({ crashes: 0, interruptions: 1 })));
    await silence(twice.id);
    await expect.poll(() => maker.started.slice(2), { timeout: 10_000 }).toEqual([twice.id, twice.id]);
    await silence(twice.id, 2);
    expect(await jobs.completed(twice.id)).toMatchObject({ statusCode: 500, errorType: 'runner_server_error' });
  });
});
