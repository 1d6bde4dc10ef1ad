import type { Transaction } from 'kysely';
import { cost } from '../../contract/price.ts';
import type { Tables } from '../../database/tables.ts';
import { storedJson } from './stored-text.ts';
import type { CallerOptions } from './submission.ts';

export interface BilledRequest {
  readonly id: string;
  readonly owner: string;
  readonly endpoint: string;
  readonly caller: CallerOptions;
}

/** Records what a clip costs, in the transaction that completes its request. */
export async function billUsage(
  transaction: Transaction<Tables>,
  { id, owner, endpoint, caller }: BilledRequest,
  units: number,
): Promise<void> {
  const tags = storedJson(caller.tags);
  await transaction
    .insertInto('usage')
    .values({ request_id: id, owner, endpoint, units, cost: cost(units), tags })
    .execute();
}
