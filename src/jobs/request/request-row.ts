import { type Selectable, sql, type Transaction } from 'kysely';
import type { Retries } from '../../database/json-columns.ts';
import type { RequestsTable, Tables } from '../../database/tables.ts';
import { noRetries } from './retries.ts';

export type RequestRow = Selectable<RequestsTable>;

/** What every change of a request's state needs to know about it. */
export type LockedRequest = Pick<
  RequestRow,
  | 'id'
  | 'endpoint'
  | 'owner'
  | 'surface'
  | 'state'
  | 'attempt'
  | 'crashes'
  | 'interruptions'
  | 'exhaustions'
  | 'worker'
  | 'webhook'
  | 'listed'
  | 'caller'
  | 'film'
  | 'part'
> & {
  /** Since the current attempt got the model, by the database's clock of the day; null before. */
  readonly runningSeconds: number | null;
  readonly overdue: boolean | null;
};

/** The columns of a LockedRequest. */
export function lockable(transaction: Transaction<Tables>) {
  return transaction.selectFrom('requests').select([
    'id',
    'endpoint',
    'owner',
    'surface',
    'state',
    'attempt',
    'crashes',
    'interruptions',
    'exhaustions',
    'worker',
    'webhook',
    'listed',
    'caller',
    'film',
    'part',
    // Of nothing and 0, the greatest would be 0.
    sql<number | null>`
        case when started_at is not null
          then greatest(0, extract(epoch from clock_timestamp() - started_at))::float8 end`.as('runningSeconds'),
    sql<boolean | null>`start_deadline <= clock_timestamp()`.as('overdue'),
  ]);
}

/**
 * Locks a request until the transaction ends, and before it the film that it is a part of. Whoever needs its job in the
 * queue as well locks the request first.
 */
export async function lockRequest(transaction: Transaction<Tables>, id: string): Promise<LockedRequest | undefined> {
  const film = transaction.selectFrom('requests').select('film').where('id', '=', id);
  await transaction.selectFrom('requests').select('id').where('id', '=', film).forNoKeyUpdate().execute();
  return await lockable(transaction).where('id', '=', id).forNoKeyUpdate().executeTakeFirst();
}

/** How often this request may be tried again, from its first start on. */
export function retriesOf({ surface, caller }: LockedRequest): Retries {
  return surface === 'queue' ? caller.retries : noRetries;
}
