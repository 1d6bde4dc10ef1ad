import { afterAll, describe, expect, test } from 'vitest';
import { startDatabases } from '../../test/support/databases/databases.ts';
import { QueueFullError } from './accept/intake.ts';
import { openJobs, submission, untilAborted } from './jobs.test-support.ts';
import type { RequestStatus } from './request/request-status.ts';

const databases = await startDatabases();
afterAll(() => databases[Symbol.asyncDispose]());

const base = 'http://localhost/cdn';

describe.each(databases.kinds)('requests (%s)', (kind) => {
  test('go through the queue in order, low priority last, and end with their clip', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { requests, maker } = jobs;
    const low = await requests.submit(submission({ priority: 'low' }, { prompt: 'low' }));
    const first = await requests.submit(submission({}, { prompt: 'first', seed: 5 }));
    const second = await requests.submit(submission({}, { prompt: 'second' }));
    expect([low, first, second].map(({ queuePosition }) => queuePosition)).toEqual([0, 0, 1]);
    expect((await requests.status(low.id))?.queuePosition).toBe(2);
    expect(await requests.counts()).toEqual({ waiting: 3, running: 0 });
    await jobs.worker();
    await jobs.completed(low.id);
    expect(maker.started).toEqual([first.id, second.id, low.id]);

    const status = await requests.status(first.id);
    expect(status).toMatchObject({ state: 'COMPLETED', statusCode: 200, queuePosition: undefined, error: undefined });
    expect(status?.inferenceSeconds).toBeGreaterThan(0);
    const outcome = await requests.outcome(first.id, base);
    expect(outcome).toMatchObject({ statusCode: 200, units: 3, error: undefined });
    expect(outcome?.body).toEqual({
      video: {
        url: expect.stringMatching(/^http:\/\/localhost\/cdn\/files\/b\/[0-9a-f]{2}\/[0-9a-f]{32}_clip\.mp4$/),
        content_type: 'video/mp4',
        file_name: 'clip.mp4',
        file_size: 13,
        width: 1000,
        height: 1000,
        fps: 25,
        duration: 0.12,
        num_frames: 3,
      },
      seed: 5,
      prompt: 'first',
    });
    expect(await jobs.fileOf(first.id)).toBe('clip of first');
    expect(jobs.troubles).toEqual([]);
  });

  test('an invalid one is over at once, with every problem', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { id } = await jobs.requests.submit(submission({}, { num_frames: 8, loras: undefined }));
    expect(await jobs.requests.status(id)).toMatchObject({
      state: 'COMPLETED',
      statusCode: 422,
      error: 'Invalid status code: 422',
    });
    expect(await jobs.requests.outcome(id, base)).toMatchObject({
      statusCode: 422,
      units: 0,
      body: { detail: [{ loc: ['body', 'num_frames'], type: 'greater_than_equal' }, { loc: ['body', 'loras'] }] },
    });
    expect(await jobs.requests.counts()).toEqual({ waiting: 0, running: 0 });
  });

  test.each([
    ['characters the database cannot keep', { note: 'a\0b\ud800c', '\0': 1 }, 200],
    ['prototype keys', JSON.parse('{"__proto__":{"prompt":"x"},"constructor":{"a":1}}'), 200],
    ['nesting without end', { image_url: JSON.parse('['.repeat(3000) + ']'.repeat(3000)) }, 422],
  ])('input with %s is served', async (_, input, statusCode) => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { id } = await jobs.requests.submit(submission({}, input));
    await jobs.worker();
    expect(await jobs.completed(id)).toMatchObject({ statusCode });
  });

  test('a queue that is too long is refused, and one bad submission does not hurt those beside it', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { requests } = jobs;
    await requests.submit(submission({ maxQueueLength: 0 }));
    const broken = submission({ owner: 'not\0storable' });
    const results = await Promise.allSettled([
      requests.submit(submission()),
      requests.submit(broken),
      requests.submit(submission({ maxQueueLength: 0 })),
      requests.submit(submission({ maxQueueLength: 1 })),
      requests.submit(submission({ maxQueueLength: 2 })),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled']);
    expect(results[2]).toMatchObject({ reason: expect.any(QueueFullError) });
    expect(await requests.counts()).toEqual({ waiting: 3, running: 0 });
  });

  test('a burst of thousands loses nothing', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const count = 3000;
    const accepted = await Promise.all(Array.from({ length: count }, () => jobs.requests.submit(submission())));
    expect(new Set(accepted.map(({ id }) => id)).size).toBe(count);
    expect(accepted.map(({ queuePosition }) => queuePosition)).toEqual(accepted.map((_, index) => index));
    expect(await jobs.requests.counts()).toEqual({ waiting: count, running: 0 });
    expect((await jobs.requests.status(accepted[1234]?.id ?? ''))?.queuePosition).toBe(1234);
  });

  test('a waiting one is cancelled at once, a running one soon, a finished one not', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { requests, maker } = jobs;
    let aborted = 0;
    maker.behavior = async (request, context) => {
      await untilAborted(request, context);
      aborted = performance.now();
    };
    const running = await requests.submit(submission());
    const waiting = await requests.submit(submission());
    await jobs.worker();
    // It is in progress before it has been started.
    await expect.poll(() => maker.started, { timeout: 10_000 }).toEqual([running.id]);
    expect(await requests.cancel(waiting.id, 'client_cancelled')).toBe('requested');
    expect(await requests.status(waiting.id)).toMatchObject({ state: 'COMPLETED', statusCode: 499 });
    expect((await requests.status(waiting.id))?.inferenceSeconds).toBeUndefined();
    const started = performance.now();
    expect(await requests.cancel(running.id, 'client_disconnected')).toBe('requested');
    expect(await requests.outcome(running.id, base)).toMatchObject({
      statusCode: 499,
      units: 0,
      errorType: 'client_disconnected',
    });
    await expect.poll(() => aborted, { timeout: 2000 }).toBeGreaterThan(0);
    expect(aborted - started).toBeLessThan(1000);
    expect(await requests.cancel(running.id, 'client_cancelled')).toBe('already_completed');
    expect(await requests.cancel('nothing', 'client_cancelled')).toBe('not_found');
    expect(maker.started).toEqual([running.id]);
  });

  test('cancelling always wins: what was said to be cancelled never succeeds', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { requests } = jobs;
    await jobs.worker();
    const answers = { requested: 0, already_completed: 0, not_found: 0 };
    let usual = 0;
    for (let round = 0; round < 150; round++) {
      const began = performance.now();
      const { id } = await requests.submit(submission());
      // From before the start to after the end of a request, which takes some milliseconds, or more where the machine is busy.
      if (round % 30 === 0) await jobs.completed(id);
      else await new Promise((resolve) => setTimeout(resolve, ((round % 30) / 20) * usual));
      if (round % 30 === 0) usual = performance.now() - began;
      const answer = await requests.cancel(id, 'client_cancelled');
      answers[answer]++;
      const status = await jobs.completed(id);
      expect(status.statusCode).toBe(answer === 'requested' ? 499 : 200);
    }
    expect(answers.not_found).toBe(0);
    expect(answers.requested).toBeGreaterThan(0);
    expect(answers.already_completed).toBeGreaterThan(0);
    // Their files went with them: what is left belongs to those that succeeded.
    await expect
      .poll(async () => {
        const files = await jobs.database.kysely.selectFrom('files').select('state').execute();
        return files.length === answers.already_completed && files.every(({ state }) => state === 'stored');
      })
      .toBe(true);
    const left = await jobs.database.boss.findJobs('clips');
    expect(left).toEqual([]);
  });

  test('one that is not started in time is over right then, though every worker is busy', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { requests, maker } = jobs;
    maker.behavior = untilAborted;
    const busy = await requests.submit(submission({ startTimeout: 0.4 }));
    await jobs.worker();
    await jobs.inState(busy.id, 'IN_PROGRESS');
    const { id } = await requests.submit(submission({ surface: 'run', startTimeout: 0.3 }));
    const started = performance.now();
    expect(await jobs.completed(id)).toMatchObject({ statusCode: 504, errorType: 'request_timeout' });
    const took = performance.now() - started;
    expect(took).toBeGreaterThan(250);
    expect(took).toBeLessThan(900);
    expect(await requests.status(busy.id)).toMatchObject({ state: 'IN_PROGRESS' });
  });

  test('watchers see every state, the log grows in order, and a finished request is told once', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { requests, maker } = jobs;
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    maker.behavior = async (_, { log }) => {
      for (let step = 1; step <= 20; step++) log('INFO', `step ${step}`);
      await gate;
      log('DEBUG', 'last');
    };
    const { id } = await requests.submit(submission());
    const seen: RequestStatus[] = [];
    const watching = (async () => {
      for await (const status of requests.watch(id)) seen.push(status);
    })();
    await expect.poll(() => seen.length).toBe(1);
    await jobs.worker();
    await expect.poll(() => seen.at(-1)?.lastLog, { timeout: 3000 }).toBeGreaterThan(0);
    expect((await requests.logs(id)).map(({ message }) => message)).toEqual(
      Array.from({ length: 20 }, (_, index) => `step ${index + 1}`),
    );
    const last = seen.at(-1)?.lastLog ?? 0;
    go();
    await watching;
    expect([...new Set(seen.map(({ state }) => state))]).toEqual(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']);
    expect((await requests.logs(id, last)).map(({ message, level }) => [level, message])).toEqual([['DEBUG', 'last']]);
    const again: RequestStatus[] = [];
    for await (const status of requests.watch(id)) again.push(status);
    expect(again).toHaveLength(1);
    for await (const _ of requests.watch('0197d3c2-6c1e-7a54-b0f1-3f0e6a1d9c55')) expect.unreachable();
    for await (const _ of requests.watch('../..')) expect.unreachable();
  });

  test('thousands of watchers are told, also of what nobody announced', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { requests, database } = jobs;
    const { id } = await requests.submit(submission());
    const abort = new AbortController();
    let finished = 0;
    const watch = async (): Promise<void> => {
      for await (const status of requests.watch(id, abort.signal)) if (status.state === 'COMPLETED') finished++;
    };
    const watching = Array.from({ length: 2000 }, watch);
    const { id: other } = await requests.submit(submission());
    const ended = watchOne(requests.watch(other, abort.signal));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await database.kysely
      .updateTable('requests')
      .set({ state: 'COMPLETED', status_code: 200 })
      .where('id', '=', id)
      .execute();
    await Promise.all(watching);
    expect(finished).toBe(2000);
    abort.abort();
    await ended;
  });

  test('history and usage show what was made, by owner', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { requests } = jobs;
    const endpoints = [submission().endpoint.id];
    await jobs.worker();
    const ids: string[] = [];
    for (const owner of ['a', 'a', 'b']) {
      const caller = { ...submission().caller, tags: { team: owner } };
      const { id } = await requests.submit(submission({ owner, caller }, { prompt: owner }));
      await jobs.completed(id);
      ids.push(id);
    }
    const hidden = await requests.submit(submission({ owner: 'a', storePayloads: false }));
    await jobs.completed(hidden.id);
    const first = await requests.list({ endpoints, owner: 'a', limit: 2 });
    expect(first.items.map(({ id, input }) => [id, input !== undefined])).toEqual([
      [hidden.id, false],
      [ids[1], true],
    ]);
    const second = await requests.list({ endpoints, owner: 'a', limit: 2, cursor: first.nextCursor });
    expect(second.items.map(({ id }) => id)).toEqual([ids[0]]);
    expect(second.nextCursor).toBeUndefined();
    expect((await requests.list({ endpoints, outcome: 'error', limit: 9 })).items).toEqual([]);
    expect(await requests.usage({ owner: 'a', bucket: 'day' })).toMatchObject([
      { owner: 'a', requests: 3, units: 9, cost: expect.closeTo(0.009, 10) },
    ]);
    expect(await requests.usage({ tags: { team: 'b' }, bucket: 'hour' })).toMatchObject([{ owner: 'b', units: 3 }]);
  });
});

async function watchOne(statuses: AsyncIterable<RequestStatus>): Promise<void> {
  for await (const status of statuses) expect(status.state).toBe('IN_QUEUE');
}
