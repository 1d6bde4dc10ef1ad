import type { Database } from '../../database/open-database.ts';
import { expireInSeconds, retentionSeconds } from '../webhooks/webhook-timing.ts';

/** One job per request that is waiting or running; the job's id is the request's. */
export const clipsQueue = 'clips';
/** One job per webhook still to be delivered. */
export const webhooksQueue = 'webhooks';

/** What is announced between processes. */
export const channels = Object.freeze({
  /** A request changed; the payload is its id. */
  requests: 'soundstage_requests',
  /** There may be a request to take. */
  clips: 'soundstage_clips',
  /** A worker has nothing to do; the payload is its id. */
  idle: 'soundstage_idle',
  /** There may be a webhook to deliver. */
  webhooks: 'soundstage_webhooks',
});

const yearSeconds = 365 * 86_400;

/**
 * Makes the queues where they do not exist yet.
 *
 * Who may try how often, and for how long, is decided from our own tables: the queue only has to keep a job until we
 * end it. So its limits are as wide as it allows (a year of waiting, a day of running). Webhooks it does count, and
 * takes them from a sender that is alive but stuck.
 */
export async function createQueues({ boss }: Pick<Database, 'boss'>): Promise<void> {
  await boss.createQueue(clipsQueue, {
    retryLimit: 1_000_000,
    retryDelay: 0,
    expireInSeconds: 86_399,
    retentionSeconds: yearSeconds,
    deleteAfterSeconds: 3600,
  });
  await boss.createQueue(webhooksQueue, {
    expireInSeconds,
    retentionSeconds,
    deleteAfterSeconds: 3600,
  });
}

/** Seconds without a heartbeat after which a worker counts as dead and has no requests any more. */
export const heartbeatTimeout = 12;
