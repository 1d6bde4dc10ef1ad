import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { Database } from '../../database/open-database.ts';
import type { Tables } from '../../database/tables.ts';
import { webhooksQueue } from '../request/queues.ts';
import { chooseDeliveries, type DeliveryParty, maxToOneHost } from './delivery-shares.ts';

/** An attempt to deliver a webhook, as the queue knows it. */
export interface Delivery extends DeliveryParty {
  readonly id: string;
  /** Names the attempt to the queue. */
  readonly retryCount: number;
  readonly retryLimit: number;
  /** Id of the request that is over. */
  readonly request: string;
}

type Waiting = DeliveryParty & { readonly id: string };

/** Candidates that are looked at; more owners than that have their turn when these have. */
const maxCandidates = 200;

/**
 * Takes deliveries that are due, with fair shares for owners and hosts, which the queue's own fetching does not know.
 *
 * @param underWay what this sender delivers already
 */
export function claimDeliveries(
  { kysely }: Database,
  underWay: readonly DeliveryParty[],
): Promise<readonly Delivery[]> {
  return kysely.transaction().execute(async (transaction) => {
    const chosen = chooseDeliveries(underWay, await readWaiting(transaction, underWay));
    if (chosen.length === 0) return [];
    const claimed = await claim(
      transaction,
      chosen.map(({ id }) => id),
    );
    const parties = new Map(chosen.map((party) => [party.id, party]));
    return claimed.flatMap((delivery) => {
      const party = parties.get(delivery.id);
      return party === undefined ? [] : [{ ...party, ...delivery }];
    });
  });
}

/** The first few of each owner and host that has a place left: the thousands behind them must not hide the others. */
async function readWaiting(
  transaction: Transaction<Tables>,
  underWay: readonly DeliveryParty[],
): Promise<readonly Waiting[]> {
  const { rows } = await sql<Waiting>`
    with due as (
      select job.id, request.owner, job.group_id as host, job.created_on,
        job.started_on is not null or job.retry_count > 0 as repeated
      from pgboss.job join requests as request on request.id = (job.data ->> 'request')::uuid
      where job.name = ${webhooksQueue} and job.state < 'active' and job.start_after <= now()
    ), few as (
      select *, row_number() over (partition by owner, host, repeated order by created_on) as place from due
      where ${isFree(underWay)}
    ), turns as (
      select *, row_number() over (partition by owner, repeated order by place, created_on) as turn from few
      where place <= ${maxToOneHost}
    )
    select id, owner, host, repeated as "isRepeat" from turns
    order by turn, repeated, created_on limit ${maxCandidates}`.execute(transaction);
  return rows;
}

function isFree(underWay: readonly DeliveryParty[]): RawBuilder<boolean> {
  const full = underWay.filter(
    (party) =>
      underWay.filter(({ owner, host }) => owner === party.owner && host === party.host).length >= maxToOneHost,
  );
  if (full.length === 0) return sql`true`;
  return sql`(owner, host) not in (${sql.join(full.map(({ owner, host }) => sql`(${owner}, ${host})`))})`;
}

/** As the queue itself claims jobs. */
async function claim(
  transaction: Transaction<Tables>,
  ids: readonly string[],
): Promise<readonly Pick<Delivery, 'id' | 'retryCount' | 'retryLimit' | 'request'>[]> {
  const { rows } = await sql<Pick<Delivery, 'id' | 'retryCount' | 'retryLimit' | 'request'>>`
    update pgboss.job set
      state = 'active',
      started_on = now(),
      heartbeat_on = now(),
      retry_count = case when started_on is not null then retry_count + 1 else retry_count end
    where name = ${webhooksQueue} and state < 'active' and id in (${sql.join(ids)})
    returning id, retry_count as "retryCount", retry_limit as "retryLimit", data ->> 'request' as request`.execute(
    transaction,
  );
  return rows;
}
