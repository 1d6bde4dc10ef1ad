import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { FileStore } from '../files/file-store.ts';
import { isStoredOutput, presentOutput } from './stored-output.ts';
import type { CallerOptions } from './submission.ts';
import type { WebhookMessage } from './webhook-keys.ts';

/** The callback of a completed request as it is posted; undefined where there is none to be made. */
export async function webhookMessage(
  kysely: Kysely<Tables>,
  files: FileStore,
  requestId: string,
): Promise<(WebhookMessage & { readonly url: string }) | undefined> {
  const row = await kysely
    .selectFrom('requests')
    .select(['owner', 'webhook', 'output', 'error', 'caller'])
    .where('id', '=', requestId)
    .where('state', '=', 'COMPLETED')
    .executeTakeFirst();
  if (row === undefined || row.webhook === null) return undefined;
  const { owner, webhook, output, error } = row;
  const { fileBase } = row.caller as CallerOptions;
  const payload = isStoredOutput(output) ? await presentOutput(output, files, fileBase) : (output ?? undefined);
  const content = {
    request_id: requestId,
    gateway_request_id: requestId,
    status: error === null ? 'OK' : 'ERROR',
    ...(error !== null && { error }),
    payload: payload ?? null,
    ...(payload === undefined && { payload_error: 'the payload of this request is not kept any more' }),
  };
  return { requestId, userId: owner, url: webhook, body: Buffer.from(JSON.stringify(content)) };
}
