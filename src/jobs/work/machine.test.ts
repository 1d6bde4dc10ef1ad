import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { startDatabases } from '../../../test/support/databases/databases.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { openJobs, submission, TestClipMaker, type TestJobs } from '../jobs.test-support.ts';
import { noRetries } from '../request/retries.ts';

const databases = await startDatabases();
afterAll(() => databases[Symbol.asyncDispose]());
const kind = databases.kinds.at(-1) ?? 'embedded';
const base = 'http://localhost/cdn';

/** No attempt is to be used up: the request would have none left. */
const single = { caller: { ...submission().caller, retries: noRetries } };

async function expectWaiting({ requests }: TestJobs, ids: readonly string[]): Promise<void> {
  for (const id of ids) expect(await requests.status(id)).toMatchObject({ state: 'IN_QUEUE' });
}

test('a store of files that fails: requests wait, and are made once it works', async () => {
  const options = await databases.newDatabase(kind);
  await using jobs = await openJobs(options);
  const blobs = join(options.dataFolder, 'files', 'blobs');
  await mkdir(join(options.dataFolder, 'files'), { recursive: true });
  await writeFile(blobs, 'in the way');
  const accepted = [await jobs.requests.submit(submission(single)), await jobs.requests.submit(submission(single))];
  const ids = accepted.map(({ id }) => id);
  const worker = await jobs.worker(jobs.maker, { storeTimeout: 100 });
  await expect.poll(() => worker.trouble, { timeout: 10_000 }).toMatchObject({ kind: 'device' });
  await expect.poll(() => worker.current, { timeout: 10_000 }).toBeUndefined();
  await expectWaiting(jobs, ids);
  const made = jobs.maker.started.length;
  // It does not go on to make what it cannot store.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(jobs.maker.started).toHaveLength(made);
  await rm(blobs);
  for (const id of ids) expect(await jobs.completed(id)).toMatchObject({ statusCode: 200 });
  expect(worker.trouble).toBeUndefined();
});

test('a device that is lost: requests wait, and are made once it is back', async () => {
  await using jobs = await openJobs(await databases.newDatabase(kind));
  const { maker, requests } = jobs;
  let isLost = true;
  const lost = new SoundstageError('device', 'a network failed to run: CUDA error 999');
  maker.behavior = async () => {
    if (isLost) throw lost;
  };
  maker.probe = async () => {
    if (isLost) throw lost;
  };
  const { id } = await requests.submit(submission(single));
  const worker = await jobs.worker();
  await expect.poll(() => worker.trouble, { timeout: 10_000 }).toBe(lost);
  await jobs.inState(id, 'IN_QUEUE');
  expect(maker.started).toEqual([id]);
  isLost = false;
  expect(await jobs.completed(id)).toMatchObject({ statusCode: 200 });
});

test('a request that alone is too much for the disk or the device is given up the second time, and holds up nobody', async () => {
  await using jobs = await openJobs(await databases.newDatabase(kind));
  const { maker, requests } = jobs;
  const errors: Readonly<Record<string, Error>> = {
    disk: Object.assign(new Error('no space'), { code: 'ENOSPC' }),
    device: new SoundstageError('device', 'a network failed to run: out of memory'),
  };
  maker.behavior = async ({ input: { prompt } }) => {
    if (errors[prompt] !== undefined) throw errors[prompt];
  };
  const disk = await requests.submit(submission({}, { prompt: 'disk' }));
  const device = await requests.submit(submission({}, { prompt: 'device' }));
  const other = await requests.submit(submission());
  const worker = await jobs.worker();
  expect(await jobs.completed(device.id)).toMatchObject({ statusCode: 500 });
  expect(await jobs.completed(disk.id)).toMatchObject({ statusCode: 500, errorType: 'runner_server_error' });
  const counted = sql<object>`select exhaustions from requests where id in (${device.id}, ${disk.id})`;
  expect((await counted.execute(jobs.database.kysely)).rows).toEqual([{ exhaustions: 2 }, { exhaustions: 2 }]);
  expect(await requests.status(other.id)).toMatchObject({ statusCode: 200 });
  expect(maker.started.toSorted()).toEqual([disk, disk, device, device, other].map(({ id }) => id).toSorted());
  // Neither of them comes a second time before the one that waited.
  expect(maker.started.indexOf(other.id)).toBeLessThanOrEqual(3);
  expect(worker.trouble).toBeUndefined();
  expect(await requests.outcome(disk.id, base)).toMatchObject({ body: { detail: expect.stringMatching(/disk/) } });
  expect(JSON.stringify(await requests.outcome(device.id, base))).toContain('does not fit into the memory');
});

/** A disk of its own, of so many MiB; undefined where this user may not mount one. */
async function mountDisk(folder: string, size: number): Promise<AsyncDisposable | undefined> {
  await mkdir(folder, { recursive: true });
  try {
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', `size=${size}m`, 'tmpfs', folder]);
  } catch {
    return undefined;
  }
  return { [Symbol.asyncDispose]: async () => void (await promisify(execFile)('umount', ['--lazy', folder])) };
}

test('a disk that is full: requests wait, and are made once there is space', async (context) => {
  const options = await databases.newDatabase(kind);
  const work = join(options.dataFolder, 'work');
  await using disk = await mountDisk(work, 3);
  if (disk === undefined) return context.skip('only root may mount a small disk');
  await using jobs = await openJobs(options);
  const ballast = join(work, 'ballast');
  await writeFile(ballast, Buffer.alloc(2 * 2 ** 20));
  jobs.maker.fetching = ({ input }, { folder }) =>
    writeFile(join(folder, 'input'), Buffer.alloc(input.prompt === 'large' ? 2 ** 21 : 1000));
  const large = await jobs.requests.submit(submission(single, { prompt: 'large' }));
  const small = await jobs.requests.submit(submission(single));
  const worker = await jobs.worker(jobs.maker, { minFree: 2 ** 20 });
  await expect.poll(() => worker.trouble, { timeout: 10_000 }).toMatchObject({ kind: 'device' });
  await jobs.inState(large.id, 'IN_QUEUE');
  await rm(ballast);
  expect(await jobs.completed(large.id)).toMatchObject({ statusCode: 200 });
  expect(await jobs.completed(small.id)).toMatchObject({ statusCode: 200 });
});

test('one of several workers whose device is lost is taken out, and its clip is made by another', async () => {
  await using jobs = await openJobs(await databases.newDatabase('embedded'));
  const lost = new SoundstageError('device', 'a network failed to run: CUDA failure 719');
  const [broken, sound] = [new TestClipMaker(), new TestClipMaker()];
  broken.behavior = () => Promise.reject(lost);
  broken.probe = () => Promise.reject(lost);
  const first = await jobs.worker(broken, { title: 'GPU 0', isOneOfSeveral: true });
  const { id } = await jobs.requests.submit(submission(single));
  await expect.poll(() => first.trouble, { timeout: 10_000 }).toBe(lost);
  await jobs.worker(sound, { title: 'GPU 1', isOneOfSeveral: true });
  expect(await jobs.completed(id)).toMatchObject({ statusCode: 200 });
  const others = [await jobs.requests.submit(submission(single)), await jobs.requests.submit(submission(single))];
  for (const other of others) expect(await jobs.completed(other.id)).toMatchObject({ statusCode: 200 });
  expect(broken.started).toEqual([id]);
  expect(sound.started).toEqual([id, ...others.map((other) => other.id)]);
  expect(jobs.troubles).toContainEqual(['GPU 0 can make no clips at the moment', { error: lost }]);
});
