import { type Db, fromPglite } from 'pg-boss';
import type { Notifications } from '../notifications.ts';
import type { SingleConnection } from './single-connection.ts';

/** An embedded database as pg-boss uses it: in turn with everybody else. */
export function embeddedQueue(connection: SingleConnection, notifications: Notifications): Db {
  return {
    executeSql: (statement, parameters) =>
      connection.run((session) => {
        const pglite = {
          query: session.query,
          exec: async (script: string) => [...(await session.exec(script))],
        };
        return fromPglite(pglite).executeSql(statement, parameters);
      }),
    listen: async (channel, onNotification, onReconnect) => {
      const listener = await notifications.listen(channel, (payload) => {
        if (payload === undefined) onReconnect();
        else onNotification(payload);
      });
      onReconnect();
      return { close: async () => await listener[Symbol.asyncDispose]() };
    },
  };
}
