import { type Kysely, sql, type Transaction } from 'kysely';
import type { ClipProgress, PreviewSheet } from '../../database/json-columns.ts';
import type { Tables } from '../../database/tables.ts';

/** How far a running request is. */
export interface RequestProgress {
  readonly revision: number;
  readonly progress: ClipProgress;
  readonly preview: PreviewSheet | undefined;
}

export interface ProgressChanges {
  readonly progress: ClipProgress;
  /** Absent: as it was. */
  readonly preview?: PreviewSheet | undefined;
}

export async function upsertProgress(
  transaction: Transaction<Tables>,
  request: string,
  { progress, preview }: ProgressChanges,
): Promise<void> {
  const shown = preview === undefined ? null : JSON.stringify(preview);
  await sql`
    insert into request_progress (request_id, revision, progress, preview)
    values (${request}, 1, ${JSON.stringify(progress)}::json, ${shown}::json)
    on conflict (request_id) do update set
      revision = request_progress.revision + 1,
      progress = excluded.progress,
      preview = coalesce(excluded.preview, request_progress.preview)`.execute(transaction);
}

/** What a clip looked like on its way is nobody's business once it is over. */
export async function removeProgress(transaction: Transaction<Tables>, request: string): Promise<void> {
  await transaction.deleteFrom('request_progress').where('request_id', '=', request).execute();
}

export async function readProgress(kysely: Kysely<Tables>, request: string): Promise<RequestProgress | undefined> {
  const row = await kysely
    .selectFrom('request_progress')
    .select(['revision', 'progress', 'preview'])
    .where('request_id', '=', request)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return { ...row, preview: row.preview ?? undefined };
}
