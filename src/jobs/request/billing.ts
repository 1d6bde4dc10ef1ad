import type { Transaction } from 'kysely';
import type { Endpoint } from '../../contract/endpoint.ts';
import type { CallerOptions } from '../../database/json-columns.ts';
import type { Tables } from '../../database/tables.ts';
import { storedJson } from './stored-text.ts';

export interface BilledRequest {
  readonly id: string;
  readonly owner: string;
  readonly endpoint: Endpoint;
  readonly caller: CallerOptions;
}

/** What a clip costs. */
export interface Charge {
  /** Megapixels. */
  readonly units: number;
  /** US dollars. */
  readonly cost: number;
}

/** Records what a clip costs, in the transaction that completes its request. */
export async function billUsage(
  transaction: Transaction<Tables>,
  { id, owner, endpoint, caller }: BilledRequest,
  { units, cost }: Charge,
): Promise<void> {
  const tags = storedJson(caller.tags);
  await transaction
    .insertInto('usage')
    .values({ request_id: id, owner, endpoint: endpoint.id, units, cost, tags })
    .execute();
}
