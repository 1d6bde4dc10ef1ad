import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startDatabases } from '../../../test/support/databases/databases.ts';
import { audioToVideo } from '../../contract/endpoints/audio-to-video.ts';
import { openJobs, submission } from '../jobs.test-support.ts';
import type { Submission } from '../request/submission.ts';
import { storeInputFiles } from './input-files.ts';

const databases = await startDatabases();
const folder = await mkdtemp(join(tmpdir(), 'soundstage-input-files-'));
afterAll(async () => {
  await databases[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const placeholder = 'data:audio/wav;base64,UklG…1';
const path = join(folder, 'sound');

function attached(changes: Partial<Submission> = {}): Submission {
  const attachments = new Map([[placeholder, { path, mediaType: 'audio/wav' }]]);
  return { ...submission(changes, { audio_url: placeholder }), attachments };
}

test('where there are no LoRAs, a data URI that is sent for one is not kept', async () => {
  await using jobs = await openJobs(await databases.newDatabase('embedded'));
  const attachments = new Map([[placeholder, { path, mediaType: 'application/octet-stream' }]]);
  await writeFile(path, 'a LoRA');
  const sent = { ...submission({ endpoint: audioToVideo }, { loras: [{ path: placeholder }] }), attachments };
  const { id } = await jobs.requests.submit(sent);
  expect(await jobs.requests.status(id)).toMatchObject({ state: 'IN_QUEUE', endpoint: audioToVideo.id });
  expect(await jobs.database.kysely.selectFrom('files').selectAll().execute()).toEqual([]);
});

test('the file of a data URI is there as long as its request has an input, and never without it', async () => {
  const options = await databases.newDatabase('embedded');
  await using jobs = await openJobs(options);
  const blobs = async (): Promise<number> => {
    const names = await readdir(join(options.dataFolder, 'files', 'blobs'), { recursive: true });
    return names.filter((name) => /[0-9a-f]{32}$/.test(name)).length;
  };
  const rows = () => jobs.database.kysely.selectFrom('files').select(['owner', 'access', 'state']).execute();

  await writeFile(path, 'RIFF');
  // The transaction fails: PostgreSQL keeps no NUL.
  await expect(
    jobs.requests.submit(attached({ endpoint: { ...submission().endpoint, id: 'not\0storable' } })),
  ).rejects.toThrow();
  expect([await rows(), await blobs()]).toEqual([[], 0]);

  // The process dies before the transaction: another one sweeps what is left.
  await writeFile(path, 'RIFF');
  await storeInputFiles(attached(), '01a20351-8294-7390-af0b-30f4fc2d971f', jobs.files);
  await jobs.files.sweep();
  expect([await rows(), await blobs()]).toEqual([[expect.objectContaining({ state: 'pending' })], 1]);
  await jobs.files.sweep(new Date(Date.now() + 2 * 3_600_000));
  expect([await rows(), await blobs()]).toEqual([[], 0]);

  await writeFile(path, 'RIFF');
  const { id } = await jobs.requests.submit(attached());
  await jobs.files.sweep(new Date(Date.now() + 365 * 86_400_000));
  expect(await rows()).toEqual([{ owner: 'local', access: 'hide', state: 'stored' }]);
  await jobs.requests.cancel(id, 'client_cancelled');
  expect(await jobs.requests.erasePayloads(id)).toBe(true);
  expect([await rows(), await blobs()]).toEqual([[], 0]);
});
