import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, test } from 'vitest';
import { startDatabases } from '../../../test/support/databases/databases.ts';
import { openJobs, submission, type TestJobs } from '../jobs.test-support.ts';
import { InlineOutput } from '../request/inline-output.ts';
import { eraseExpiredPayloads } from './retention.ts';

const databases = await startDatabases();
afterAll(() => databases[Symbol.asyncDispose]());

const base = 'http://localhost/cdn';

async function stored({ database }: TestJobs, id: string) {
  return await database.kysely
    .selectFrom('requests')
    .select(['input', 'output'])
    .where('id', '=', id)
    .executeTakeFirst();
}

/** As if so much time had passed. */
async function later({ database, files }: TestJobs, seconds: number): Promise<void> {
  const { kysely } = database;
  for (const { id, payload_expires_at: at } of await kysely.selectFrom('requests').selectAll().execute()) {
    if (at === null) continue;
    const earlier = new Date(at.getTime() - seconds * 1000);
    await kysely.updateTable('requests').set({ payload_expires_at: earlier }).where('id', '=', id).execute();
  }
  await eraseExpiredPayloads(database, files);
}

describe.each(databases.kinds)('payloads (%s)', (kind) => {
  test('are kept for their time, and erased afterwards while the file stays', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    await jobs.worker();
    jobs.maker.behavior = async (_, { log }) => log('INFO', 'expanded prompt: secret');
    const { id } = await jobs.requests.submit(submission());
    await jobs.completed(id);
    await later(jobs, 900);
    expect(await jobs.requests.outcome(id, base)).toMatchObject({ statusCode: 200 });
    expect(await jobs.requests.logs(id)).toHaveLength(1);
    await later(jobs, 200);
    expect(await stored(jobs, id)).toEqual({ input: null, output: null });
    expect(await jobs.requests.outcome(id, base)).toMatchObject({ statusCode: 404, units: 3 });
    expect(await jobs.requests.status(id)).toMatchObject({ state: 'COMPLETED', statusCode: 200 });
    expect(await jobs.requests.logs(id)).toEqual([]);
    expect(await jobs.fileOf(id)).toBe('clip of A woman speaks');
  });

  test('of sync_mode are a data URI for ten minutes, hidden, unlisted, and then gone with the file', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    await jobs.worker();
    const { id } = await jobs.requests.submit(submission({}, { sync_mode: true }));
    await jobs.completed(id);
    const url = `data:video/mp4;base64,${Buffer.from('clip of A woman speaks').toString('base64')}`;
    for (let reading = 0; reading < 2; reading++) {
      const outcome = await jobs.requests.outcome(id, base);
      if (!(outcome?.body instanceof InlineOutput)) throw new Error('the clip is not part of the output');
      const json = await text(outcome.body.json());
      expect(JSON.parse(json)).toMatchObject({ video: { url, num_frames: 3 } });
      expect(outcome.body.bytes).toBe(json.length);
    }
    const [file] = await jobs.database.kysely.selectFrom('files').selectAll().execute();
    expect(file).toMatchObject({ access: 'hide', state: 'stored' });
    const { items } = await jobs.requests.list({ endpoints: [submission().endpoint.id], limit: 5 });
    expect(items).toMatchObject([{ id, input: undefined, output: undefined }]);
    await later(jobs, 601);
    expect(await stored(jobs, id)).toEqual({ input: null, output: null });
    expect(await jobs.database.kysely.selectFrom('files').select('id').execute()).toEqual([]);
    expect(await jobs.requests.outcome(id, base)).toMatchObject({ statusCode: 404 });
  });

  test('of a private run go with its reply; those of X-Fal-Store-IO leave their file', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    await jobs.worker();
    const run = await jobs.requests.submit(submission({ surface: 'run' }, { sync_mode: true }));
    const unstored = await jobs.requests.submit(submission({ surface: 'run', storePayloads: false }));
    const plain = await jobs.requests.submit(submission({ surface: 'run' }));
    await jobs.completed(plain.id);
    for (const { id } of [run, unstored, plain]) await jobs.requests.replied(id);
    expect(await stored(jobs, run.id)).toEqual({ input: null, output: null });
    expect(await stored(jobs, unstored.id)).toEqual({ input: null, output: null });
    expect((await stored(jobs, plain.id))?.output).not.toBeNull();
    expect(await jobs.fileOf(run.id)).toBeUndefined();
    expect(await jobs.fileOf(unstored.id)).toBe('clip of A woman speaks');
  });

  test('are erased on demand with the file, once the request is over', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const { id } = await jobs.requests.submit(submission());
    expect(await jobs.requests.erasePayloads(id)).toBe(false);
    await jobs.worker();
    await jobs.completed(id);
    expect(await jobs.requests.erasePayloads(id)).toBe(true);
    expect(await stored(jobs, id)).toEqual({ input: null, output: null });
    expect(await jobs.fileOf(id)).toBeUndefined();
    expect(await jobs.requests.erasePayloads('nothing')).toBe(false);
  });

  test('may be large', async () => {
    await using jobs = await openJobs(await databases.newDatabase(kind));
    const audio = `data:audio/wav;base64,${'A'.repeat(24 * 2 ** 20)}`;
    let received = 0;
    jobs.maker.behavior = async ({ input }) => {
      received = input.audio_url.length;
    };
    const { id } = await jobs.requests.submit(submission({}, { audio_url: audio }));
    await jobs.worker();
    expect(await jobs.completed(id)).toMatchObject({ statusCode: 200 });
    expect(received).toBe(audio.length);
  });
});
