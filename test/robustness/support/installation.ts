import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type DatabaseOptions, openDatabase } from '../../../src/database/open-database.ts';
import { pendingSeconds } from '../../../src/files/file-store.ts';
import { openFileStore } from '../../../src/files/open-file-store.ts';
import { clipsQueue } from '../../../src/jobs/request/queues.ts';
import { sweepWorkFolders } from '../../../src/jobs/work/work-folder.ts';
import { readConfiguration } from '../../../src/shared/configuration.ts';

/**
 * Looks at what a server left behind that is not running any more: every request that was accepted is over, once and
 * with everything that belongs to that, unless two processes died while they made it; every file has its bytes and the other way round; nothing else is there.
 */
export async function expectSound(options: DatabaseOptions, accepted: readonly string[]): Promise<void> {
  const { dataFolder } = options;
  await using database = await openDatabase(options);
  await using files = await openFileStore(database.kysely, readConfiguration({ SOUNDSTAGE_DATA: dataFolder }));
  // A day later, when uploads that a kill cut short are given up.
  await files.sweep(new Date(Date.now() + 1000 * (pendingSeconds + 60)));
  await sweepWorkFolders(join(dataFolder, 'work'));
  const requests = await database.kysely.selectFrom('requests').selectAll().execute();
  const rows = await database.kysely.selectFrom('files').selectAll().execute();
  const usage = await database.kysely.selectFrom('usage').selectAll().execute();

  const givenUp = new Set(requests.filter(({ interruptions }) => interruptions === 2).map(({ id }) => id));
  const states = new Map(requests.map(({ id, state, status_code: status }) => [id, `${state} ${status}`]));
  const expected = (id: string): string => (givenUp.has(id) ? 'COMPLETED 500' : 'COMPLETED 200');
  const unexpected = accepted.filter((id) => states.get(id) !== expected(id));
  expect(requests.filter(({ id }) => unexpected.includes(id))).toEqual([]);
  expect(unexpected).toEqual([]);
  // Those whose reply did not arrive are requests like any other.
  expect(requests.filter(({ state }) => state !== 'COMPLETED')).toEqual([]);
  const made = requests.filter(({ id }) => !givenUp.has(id));
  const ids = made.map(({ id }) => id).sort();
  expect(usage.map(({ request_id: id }) => id).sort()).toEqual(ids);
  const produced = rows.filter(({ request_id: id }) => id !== null);
  expect(produced.map(({ request_id: id }) => id).sort()).toEqual(ids);
  for (const { id, output } of made) {
    expect(output).toMatchObject({ video: { file: produced.find((row) => row.request_id === id)?.id } });
  }
  expect(await database.boss.findJobs(clipsQueue)).toEqual([]);

  expect(rows.filter(({ state }) => state !== 'stored')).toEqual([]);
  expect(await blobs(dataFolder)).toEqual(rows.map(({ id }) => id).sort());
  for (const { id, size } of rows.slice(0, 20)) {
    expect((await readFile(join(dataFolder, 'files', 'blobs', id.slice(0, 2), id))).length).toBe(Number(size));
  }
  expect(await readdir(join(dataFolder, 'work'))).toEqual([]);
}

async function blobs(dataFolder: string): Promise<readonly string[]> {
  const entries = await readdir(join(dataFolder, 'files', 'blobs'), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
}
