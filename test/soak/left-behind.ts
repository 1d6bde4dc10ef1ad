import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openDatabase } from '../../src/database/open-database.ts';
import { openFileStore } from '../../src/files/open-file-store.ts';
import { clipsQueue } from '../../src/jobs/request/queues.ts';
import { isStoredOutput } from '../../src/jobs/request/stored-output.ts';
import { readConfiguration } from '../../src/shared/configuration.ts';
import type { Ledger } from './ledger.ts';

/** After them the store has removed whatever belongs to nothing. */
const leftoverDays = 3;

/** Looks at what a server left that ended: every request is over, once; every file has its bytes and the other way round. */
export async function checkLeftBehind(dataFolder: string, ledger: Ledger): Promise<void> {
  await using database = await openDatabase({ dataFolder });
  await using files = await openFileStore(database.kysely, readConfiguration({ SOUNDSTAGE_DATA: dataFolder }));
  // Days later, when uploads that a kill cut short are given up.
  await files.sweep(new Date(Date.now() + leftoverDays * 86_400_000));
  const requests = await database.kysely
    .selectFrom('requests')
    .select(['id', 'state', 'status_code', 'output'])
    .execute();
  const rows = await database.kysely.selectFrom('files').selectAll().execute();
  const usage = await database.kysely.selectFrom('usage').select('request_id').execute();

  const byId = new Map(requests.map((request) => [request.id, request]));
  for (const id of ledger.ids) if (!byId.has(id)) ledger.violation(`request ${id} has no row`);
  for (const [id, status] of ledger.results) {
    const kept = byId.get(id)?.status_code;
    if (kept !== status) ledger.violation(`request ${id} was answered ${status} and its row says ${kept}`);
  }
  for (const { id, state } of requests) if (state !== 'COMPLETED') ledger.violation(`request ${id} is left ${state}`);
  const jobs = await database.boss.findJobs(clipsQueue);
  if (jobs.length > 0) ledger.violation(`${jobs.length} jobs are left in the queue`);

  const made = requests.filter(({ status_code: status }) => status === 200);
  const clips = rows.flatMap(({ request_id: id, content_type: type }) => (isClip(type) && id !== null ? [id] : []));
  const bills = usage.map(({ request_id: id }) => id);
  // The clip goes with the output, and where it was part of the output some minutes later.
  const kept = made.filter(({ output }) => isStoredOutput(output) && !output.video.inline);
  checkOnce('clip', { all: clips, needed: kept.map(({ id }) => id), allowed: made.map(({ id }) => id) }, ledger);
  checkOnce('bill', { all: bills, needed: made.map(({ id }) => id), allowed: made.map(({ id }) => id) }, ledger);

  const blobs = await sizes(join(dataFolder, 'files', 'blobs'));
  for (const { id, state, size } of rows) {
    if (state !== 'stored') ledger.violation(`file ${id} is left ${state}`);
    if (blobs.get(id) !== Number(size)) ledger.violation(`file ${id} of ${size} bytes has ${blobs.get(id)} on disk`);
  }
  const known = new Set(rows.map(({ id }) => id));
  for (const id of blobs.keys()) if (!known.has(id)) ledger.violation(`blob ${id} has no row`);
  for (const folder of ['work', 'files/spool', 'files/parts']) {
    for (const name of (await sizes(join(dataFolder, folder))).keys()) ledger.violation(`${folder}/${name} is left`);
  }
}

interface Belongings {
  /** The requests that they belong to, each as often as it has one. */
  readonly all: readonly string[];
  readonly needed: readonly string[];
  readonly allowed: readonly string[];
}

/** No request has more than one, those that need it have one, and none has what is not allowed. */
function checkOnce(what: string, { all, needed, allowed }: Belongings, ledger: Ledger): void {
  const counts = Map.groupBy(all, (id) => id);
  const allowedIds = new Set(allowed);
  for (const id of needed) if (!counts.has(id)) ledger.violation(`request ${id} was made and has no ${what}`);
  for (const [id, { length }] of counts) {
    if (length > 1) ledger.violation(`request ${id} has more than one ${what}: ${length}`);
    if (!allowedIds.has(id)) ledger.violation(`request ${id} was not made and has a ${what}`);
  }
}

function isClip(contentType: string): boolean {
  return contentType.startsWith('video/') || contentType === 'image/gif';
}

/** Bytes of every file below a folder, by its name. */
async function sizes(folder: string): Promise<ReadonlyMap<string, number>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  return new Map(
    await Promise.all(
      files.map(
        async ({ name, parentPath }): Promise<[string, number]> => [name, (await stat(join(parentPath, name))).size],
      ),
    ),
  );
}
