import { sql, type Transaction } from 'kysely';
import type { Database } from '../../database/open-database.ts';
import type { Tables } from '../../database/tables.ts';
import type { FileStore } from '../../files/file-store.ts';
import { isStoredOutput } from '../request/stored-output.ts';

const maxBatch = 100;

/**
 * Erases input, output and log of a completed request, and the files that came with its input.
 *
 * @param which files go with them: the one it made, or only one that was kept for being part of the reply
 * @returns false: there is no such request, or it is not over
 */
export async function erasePayloads(
  { kysely }: Database,
  files: FileStore,
  id: string,
  which: 'file' | 'inline',
): Promise<boolean> {
  const request = await kysely
    .selectFrom('requests')
    .select('output')
    .where('id', '=', id)
    .where('state', '=', 'COMPLETED')
    .executeTakeFirst();
  if (request === undefined) return false;
  // The files first: as long as the payloads are there, an interrupted erasure is taken up again.
  await files.removeInputsOf(id);
  const inline = isStoredOutput(request.output) && request.output.video.inline;
  if (which === 'file' || inline) await files.removeOfRequest(id);
  // Those of a part belong to its film.
  const parts = await kysely.selectFrom('requests').select('id').where('film', '=', id).execute();
  for (const part of parts) await files.removeOfRequest(part.id);
  await kysely.transaction().execute((transaction) => erase(transaction, id));
  return true;
}

/** Erases the payloads that are kept long enough. Returns how many requests that were. */
export async function eraseExpiredPayloads(database: Database, files: FileStore): Promise<number> {
  let total = 0;
  for (;;) {
    const expired = await database.kysely
      .selectFrom('requests')
      .select('id')
      .where('payload_expires_at', '<=', sql<Date>`clock_timestamp()`)
      .limit(maxBatch)
      .execute();
    for (const { id } of expired) await erasePayloads(database, files, id, 'inline');
    total += expired.length;
    if (expired.length < maxBatch) return total;
  }
}

async function erase(transaction: Transaction<Tables>, id: string): Promise<void> {
  await transaction
    .updateTable('requests')
    .set({ input: null, output: null, payload_expires_at: null })
    .where('id', '=', id)
    .execute();
  await transaction.deleteFrom('request_logs').where('request_id', '=', id).execute();
}
