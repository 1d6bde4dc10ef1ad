import { type Kysely, sql, type Transaction } from 'kysely';
import type { Tables } from '../../database/tables.ts';
import type { Progress } from '../../pipeline/engine/engine-messages.ts';

/** A look at the clip as the newest step sees it: frames below each other in one picture. */
export interface PreviewSheet {
  /** Data URI of a WebP picture, `width` × `height·frames`. */
  readonly image: string;
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  /** Of the phase under way. */
  readonly step: number;
}

/** How far a running request is. */
export interface RequestProgress {
  readonly revision: number;
  readonly progress: Omit<Progress, 'type'>;
  readonly preview: PreviewSheet | undefined;
}

export interface ProgressChanges {
  readonly progress: Omit<Progress, 'type'>;
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
  const progress = row.progress as RequestProgress['progress'];
  return { revision: row.revision, progress, preview: (row.preview as PreviewSheet | null) ?? undefined };
}
