import type { Kysely } from 'kysely';
import type { ConstructorOptions } from 'pg-boss';
import type { Notifications } from './notifications.ts';
import type { Tables } from './tables.ts';

/** Tells the operator about trouble that the database gets over by itself, such as a lost connection. */
export type OnWarning = (message: string) => void;

/** What differs between the embedded database and a server. */
export interface Backend extends AsyncDisposable {
  readonly kind: 'embedded' | 'server';
  readonly kysely: Kysely<Tables>;
  readonly notifications: Notifications;
  /** How the queue reaches it. */
  readonly queue: ConstructorOptions;
}
