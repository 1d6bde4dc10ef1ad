import type { Transaction } from 'kysely';
import { fromKysely } from 'pg-boss';
import type { Database } from '../../database/open-database.ts';
import type { Tables } from '../../database/tables.ts';
import { channels, webhooksQueue } from '../request/queues.ts';
import { webhookRetries } from './webhook-timing.ts';

interface WebhookJob {
  /** Id of the request that is over. */
  readonly request: string;
}

/** Queues the callback of a request, in the transaction that completes it. */
export async function sendWebhook(
  { boss, notifications }: Database,
  transaction: Transaction<Tables>,
  request: string,
  url: string,
): Promise<void> {
  const job: WebhookJob = { request };
  // Grouped by receiver, so that a slow one cannot hold up the others.
  const group = { id: receiver(url) };
  await boss.send(webhooksQueue, job, { ...webhookRetries, group, db: fromKysely(transaction) });
  await notifications.notify(channels.webhooks, '', transaction);
}

function receiver(url: string): string {
  return URL.parse(url)?.host || 'none';
}
