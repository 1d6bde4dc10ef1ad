import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { dirname } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { z } from 'zod';
import { SoundstageError } from '../../shared/errors.ts';
import type { KeyManagement } from './api-keys.ts';
import { isServed, withShortPath } from './control-socket.ts';

const newKey = z.object({ name: z.string(), scope: z.enum(['API', 'ADMIN']) });

/**
 * Lets other processes of this user manage the keys of an embedded database, which only this process has open.
 *
 * @param socketPath - see `controlSocketPath`
 * @throws SoundstageError `device` while another process serves it
 */
export async function serveKeyControl(keys: KeyManagement, socketPath: string): Promise<AsyncDisposable> {
  if (await isServed(socketPath)) {
    throw new SoundstageError(
      'device',
      `another server answers on ${socketPath}: stop it, or choose another --data folder`,
    );
  }
  const server = createServer(getRequestListener(routes(keys).fetch));
  if (process.platform !== 'win32') await mkdir(dirname(socketPath), { recursive: true });
  // A killed server leaves its socket behind.
  await rm(socketPath, { force: true });
  await withShortPath(socketPath, (path) => listenPrivately(server, path));
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      await rm(socketPath, { force: true });
    },
  };
}

function routes(keys: KeyManagement): Hono {
  return new Hono()
    .get('/keys', async (context) => context.json(await keys.list()))
    .post('/keys', async (context) => {
      const key = newKey.safeParse(await context.req.json().catch(() => undefined));
      if (!key.success) return context.text(z.prettifyError(key.error), 400);
      return context.json(await keys.create(key.data));
    })
    .delete('/keys/:id', async (context) => context.json({ revoked: await keys.revoke(context.req.param('id')) }))
    .onError((error, context) => context.text(error.message, 500));
}

/** The socket is bound, and so gets its mode, before `listen` returns. */
async function listenPrivately(server: Server, path: string): Promise<void> {
  const mask = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(mask);
  }
  await once(server, 'listening');
}
