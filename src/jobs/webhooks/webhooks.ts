import type { Database } from '../../database/open-database.ts';
import { openGuardedClient } from '../../fetching/http/guarded-client.ts';
import { postGuarded } from '../../fetching/http/guarded-post.ts';
import type { FileStore } from '../../files/file-store.ts';
import type { Configuration } from '../../shared/configuration.ts';
import type { Logger } from '../../shared/logger.ts';
import { type PublicKeys, WebhookKeys } from './webhook-keys.ts';
import { WebhookSender } from './webhook-sender.ts';

export interface WebhooksOptions {
  readonly configuration: Configuration;
  readonly database: Database;
  readonly files: FileStore;
  readonly logger: Logger;
}

/** The webhooks of an installation under its settings. Dispose to stop delivering. */
export interface Webhooks extends AsyncDisposable {
  /** For receivers, to verify signatures with. */
  readonly publicKeys: PublicKeys;
}

export async function openWebhooks({ configuration, database, files, logger }: WebhooksOptions): Promise<Webhooks> {
  await using opened = new AsyncDisposableStack();
  const client = opened.use(openGuardedClient({ allowPrivateHosts: configuration.SOUNDSTAGE_ALLOW_PRIVATE_HOSTS }));
  const keys = await WebhookKeys.open(database.kysely);
  const post = postGuarded.bind(undefined, client);
  opened.use(await WebhookSender.open({ database, files, keys, post, logger }));
  const stack = opened.move();
  return {
    publicKeys: keys.publicKeys({ padded: configuration.SOUNDSTAGE_PADDED_JWKS }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
