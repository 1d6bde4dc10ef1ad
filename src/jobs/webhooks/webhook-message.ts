import { text } from 'node:stream/consumers';
import type { Kysely } from 'kysely';
import type { Tables } from '../../database/tables.ts';
import type { FileStore } from '../../files/file-store.ts';
import { InlineOutput } from '../request/inline-output.ts';
import { isStoredOutput, presentOutput } from '../request/stored-output.ts';
import type { WebhookMessage } from './webhook-keys.ts';

/** Bytes of an output that has its clip in it: it is signed, and held, as a whole. */
const maxInline = 24 * 2 ** 20;
const gone = 'the payload of this request is not kept any more';
const clipTooLarge = 'the clip is too large for a callback: fetch the result, or leave sync_mode out';

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
  const { owner, webhook, output, error, caller } = row;
  const presented = isStoredOutput(output)
    ? await presentOutput(output, files, caller.fileBase)
    : (output ?? undefined);
  const payload = presented instanceof InlineOutput ? await whole(presented) : presented;
  const content = {
    request_id: requestId,
    gateway_request_id: requestId,
    status: error === null ? 'OK' : 'ERROR',
    ...(error !== null && { error }),
    payload: payload ?? null,
    ...(payload === undefined && { payload_error: presented === undefined ? gone : clipTooLarge }),
  };
  return { requestId, userId: owner, url: webhook, body: Buffer.from(JSON.stringify(content)) };
}

async function whole(output: InlineOutput): Promise<unknown> {
  return output.bytes > maxInline ? undefined : JSON.parse(await text(output.json()));
}
