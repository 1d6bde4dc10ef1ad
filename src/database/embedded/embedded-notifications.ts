import type { Kysely } from 'kysely';
import type { OnWarning } from '../backend.ts';
import { channelName, type Notifications, SharedNotifications } from '../notifications.ts';
import type { Tables } from '../tables.ts';
import type { SingleConnection } from './single-connection.ts';

/** Notifications within the one process that has an embedded database open. */
export function embeddedNotifications(
  connection: SingleConnection,
  kysely: Kysely<Tables>,
  onWarning: OnWarning,
): Notifications {
  const notifications = new SharedNotifications(
    kysely,
    {
      subscribe: async (channel) => void (await connection.run(({ exec }) => exec(`listen ${channelName(channel)}`))),
      unsubscribe: async (channel) =>
        void (await connection.run(({ exec }) => exec(`unlisten ${channelName(channel)}`))),
    },
    (error) => onWarning(`a listener failed: ${String(error)}`),
  );
  connection.onNotification((channel, payload) => notifications.deliver(channel, payload));
  connection.onReopen(async ({ exec }) => {
    for (const channel of notifications.channels) await exec(`listen ${channelName(channel)}`);
    notifications.deliverGap();
  });
  return notifications;
}
