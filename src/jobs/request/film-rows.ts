import { sql, type Transaction } from 'kysely';
import { fromKysely } from 'pg-boss';
import { v7 as uuidv7 } from 'uuid';
import type { FilmPart, Score } from '../../contract/film/film-schema.ts';
import type { Tables } from '../../database/tables.ts';
import type { JobsContext } from './complete-request.ts';
import type { Outcome } from './outcome.ts';
import { channels, clipsQueue } from './queues.ts';
import { upsertProgress } from './request-progress.ts';
import { type LockedRequest, lockable, lockRequest } from './request-row.ts';
import { isStoredOutput } from './stored-output.ts';
import { storedJson } from './stored-text.ts';

/** A part of a film that is made. */
export interface MadePart {
  /** Id of its file, stored losslessly. */
  readonly file: string;
  readonly seconds: number;
  /** The prompt actually used. */
  readonly prompt: string;
}

/** Ids of files that all parts of a film are made from. */
export interface FilmSources {
  readonly audio: string;
  readonly anchor: string | undefined;
}

/** A film as far as it is. */
export interface KnownFilm extends FilmSources {
  readonly score: Score;
  /** In their order; undefined where one is not made. */
  readonly parts: readonly (MadePart | undefined)[];
}

/** What is to be done about a request for a film, or for a part of one. */
export type FilmStage =
  /** Its score is to be made; `resumed` is the film that it goes on from. */
  | { readonly kind: 'plan'; readonly resumed: KnownFilm | undefined }
  | { readonly kind: 'part'; readonly film: KnownFilm; readonly index: number }
  | { readonly kind: 'join'; readonly film: KnownFilm };

/** @param request of the endpoint of films */
export async function readFilmStage(
  transaction: Transaction<Tables>,
  { id, film, part, owner, input }: Pick<LockedRequest, 'id' | 'film' | 'part' | 'owner'> & { readonly input: unknown },
): Promise<FilmStage> {
  if (film !== null && part !== null) {
    const known = await readFilm(transaction, film);
    if (known === undefined) throw new Error(`the film ${film} has parts and no score`);
    return { kind: 'part', film: known, index: part };
  }
  const own = await readFilm(transaction, id);
  if (own !== undefined) return { kind: 'join', film: own };
  const resume = resumedId(input);
  return { kind: 'plan', resumed: resume === undefined ? undefined : await readFilm(transaction, resume, owner) };
}

/**
 * Gives a film its parts: those that can be made go into the queue, and no worker has the film until all are there. In the
 * transaction that locked it.
 *
 * @param film its parts, as far as they are made
 */
export async function beginParts(
  context: JobsContext,
  transaction: Transaction<Tables>,
  request: LockedRequest,
  { score, parts, audio, anchor }: KnownFilm,
): Promise<void> {
  await transaction
    .insertInto('films')
    .values({ request_id: request.id, score: storedJson(score), audio_file: audio, anchor_file: anchor ?? null })
    .execute();
  const rows = score.parts.map(({ start, end }, part) => ({
    film: request.id,
    part,
    frames: end - start,
    file_id: parts[part]?.file ?? null,
    seconds: parts[part]?.seconds ?? null,
    prompt: parts[part]?.prompt ?? null,
  }));
  await transaction.insertInto('film_parts').values(rows).execute();
  await transaction
    .updateTable('requests')
    .set({ worker: null, heartbeat_at: null })
    .where('id', '=', request.id)
    .execute();
  await context.database.boss.deleteJob(clipsQueue, request.id, { db: fromKysely(transaction) });
  await submitPossible(context, transaction, request);
  await reportFilm(context, transaction, request.id);
}

/**
 * Goes on with a film one part of which is over, in the transaction that completes it and has locked the film: with the part
 * that waited for it, with the join, or, where nothing more can be made, with its end.
 *
 * @param complete `completeRequest`
 */
export async function partEnded(
  context: JobsContext,
  transaction: Transaction<Tables>,
  { film: id, part, runningSeconds }: LockedRequest,
  outcome: Outcome,
  complete: (film: LockedRequest, outcome: Outcome) => Promise<void>,
): Promise<void> {
  if (id === null || part === null) return;
  const film = await lockRequest(transaction, id);
  if (film === undefined || film.state === 'COMPLETED') return;
  const { output } = outcome;
  if (outcome.statusCode === 200 && isStoredOutput(output)) {
    await transaction
      .updateTable('film_parts')
      .set({ file_id: output.video.file, seconds: runningSeconds ?? 0, prompt: output.prompt })
      .where('film', '=', id)
      .where('part', '=', part)
      .execute();
    const message = `part ${part + 1} is made (${(runningSeconds ?? 0).toFixed(1)} s)`;
    await transaction.insertInto('request_logs').values({ request_id: id, level: 'INFO', message }).execute();
  } else {
    await transaction
      .updateTable('film_parts')
      .set({ failure: storedJson(outcome) })
      .where('film', '=', id)
      .where('part', '=', part)
      .execute();
  }
  await submitPossible(context, transaction, film);
  await reportFilm(context, transaction, id);
  const failure = await failureOf(transaction, id);
  if (failure !== undefined) await complete(film, failure);
}

/** Ends the parts of a film that are on their way, in the transaction that completes it. */
export async function endParts(
  transaction: Transaction<Tables>,
  film: string,
  complete: (part: LockedRequest) => Promise<void>,
): Promise<void> {
  const parts = await lockable(transaction)
    .where('film', '=', film)
    .where('state', '<>', 'COMPLETED')
    .forNoKeyUpdate()
    .execute();
  for (const part of parts) await complete(part);
}

/** Writes how far a film is, from how far its parts are. */
export async function reportFilm(
  { database }: JobsContext,
  transaction: Transaction<Tables>,
  film: string,
  preview?: Parameters<typeof upsertProgress>[2]['preview'],
): Promise<void> {
  const { rows } = await sql<{ parts: number; made: number; frames: number; ready: number; seconds: number }>`
    select
      count(*)::integer as parts,
      count(part.file_id)::integer as made,
      sum(part.frames)::float8 as frames,
      sum(part.frames * case when part.file_id is not null then 1
        else coalesce((progress.progress ->> 'fraction')::float8, 0) end)::float8 as ready,
      (select greatest(0, extract(epoch from clock_timestamp() - started_at))::float8
        from requests where id = ${film}) as seconds
    from film_parts as part left join request_progress as progress on progress.request_id = part.request_id
    where part.film = ${film}`.execute(transaction);
  const [row] = rows;
  if (row === undefined) return;
  const progress = {
    phase: row.made === row.parts ? 'join' : 'parts',
    step: row.made,
    steps: row.parts,
    fraction: row.ready / row.frames,
    seconds: row.seconds,
  };
  await upsertProgress(transaction, film, { progress, preview });
  await database.notifications.notify(channels.requests, film, transaction);
}

async function readFilm(transaction: Transaction<Tables>, id: string, owner?: string): Promise<KnownFilm | undefined> {
  const film = await transaction
    .selectFrom('films')
    .innerJoin('requests', 'requests.id', 'films.request_id')
    .select(['score', 'audio_file', 'anchor_file', 'requests.owner'])
    .where('request_id', '=', id)
    .executeTakeFirst();
  if (film === undefined || (owner !== undefined && film.owner !== owner)) return undefined;
  const rows = await transaction
    .selectFrom('film_parts')
    .select(['file_id', 'seconds', 'prompt'])
    .where('film', '=', id)
    .orderBy('part')
    .execute();
  const parts = rows.map(({ file_id: file, seconds, prompt }) =>
    file === null ? undefined : { file, seconds: seconds ?? 0, prompt: prompt ?? '' },
  );
  return { score: film.score as Score, audio: film.audio_file, anchor: film.anchor_file ?? undefined, parts };
}

/** Puts the parts of a film into the queue that can be made by now, or the film itself, to be joined, once all are there. */
async function submitPossible(
  { database }: JobsContext,
  transaction: Transaction<Tables>,
  film: LockedRequest,
): Promise<void> {
  const { score } = await transaction
    .selectFrom('films')
    .select('score')
    .where('request_id', '=', film.id)
    .executeTakeFirstOrThrow();
  const { parts } = score as Score;
  const rows = await transaction
    .selectFrom('film_parts')
    .select(['part', 'file_id', 'request_id'])
    .where('film', '=', film.id)
    .orderBy('part')
    .execute();
  const isThere = (index: number): boolean => rows[index]?.file_id != null;
  const { priority } = await transaction
    .selectFrom('requests')
    .select('priority')
    .where('id', '=', film.id)
    .executeTakeFirstOrThrow();
  const db = fromKysely(transaction);
  if (rows.every((row) => row.file_id !== null)) {
    await database.boss.insert(clipsQueue, [{ id: film.id, priority }], { db });
    await database.notifications.notify(channels.clips, '', transaction);
    return;
  }
  const possible = rows.filter(
    ({ part, file_id: file, request_id: request }) =>
      file === null && request === null && (parts[part]?.continues !== true || isThere(part - 1)),
  );
  for (const { part } of possible) {
    const id = uuidv7();
    await transaction
      .insertInto('requests')
      .values({
        id,
        endpoint: film.endpoint,
        owner: film.owner,
        surface: 'queue',
        state: 'IN_QUEUE',
        priority,
        input: storedJson(partNamed(parts[part], part)),
        caller: storedJson(film.caller),
        webhook: null,
        listed: film.listed,
        start_deadline: null,
        film: film.id,
        part,
      })
      .execute();
    await transaction
      .updateTable('film_parts')
      .set({ request_id: id })
      .where('film', '=', film.id)
      .where('part', '=', part)
      .execute();
    await database.boss.insert(clipsQueue, [{ id, priority }], { db });
  }
  if (possible.length > 0) await database.notifications.notify(channels.clips, '', transaction);
}

/** What a part shows, at its place: so that what is wrong with it is said at a field of the film. */
function partNamed(part: FilmPart | undefined, index: number): unknown {
  return { parts: [...Array<null>(index).fill(null), part] };
}

/** How a film ends of which nothing more can be made: as its first part that failed. */
async function failureOf(transaction: Transaction<Tables>, film: string): Promise<Outcome | undefined> {
  const failed = await transaction
    .selectFrom('film_parts')
    .select('failure')
    .where('film', '=', film)
    .where('failure', 'is not', null)
    .orderBy('part')
    .limit(1)
    .executeTakeFirst();
  if (failed === undefined) return undefined;
  const underWay = await transaction
    .selectFrom('requests')
    .select('id')
    .where('film', '=', film)
    .where('state', '<>', 'COMPLETED')
    .limit(1)
    .executeTakeFirst();
  return underWay === undefined ? (failed.failure as Outcome) : undefined;
}

function resumedId(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null || !('resume' in input)) return undefined;
  return typeof input.resume === 'string' ? input.resume : undefined;
}
