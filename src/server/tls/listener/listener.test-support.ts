import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { serverCertificate } from '../certificates/server-certificate.ts';
import { certificateHosts } from '../hosts.ts';
import { type ListenOptions, listen } from './listener.ts';
import { tunnelOf } from './tunnel.ts';

export interface TestListener extends AsyncDisposable {
  readonly port: number;
  readonly authorityPath: string;
  readonly close: (grace?: number) => Promise<void>;
  readonly errors: readonly Error[];
}

/** A listener whose handler tells what it was asked, and how. */
export async function startTestListener(options: Partial<ListenOptions> = {}): Promise<TestListener> {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-tls-'));
  const errors: Error[] = [];
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    handler: getRequestListener(echo.fetch),
    certificate: () => serverCertificate({ folder, ...certificateHosts({ host: '127.0.0.1' }) }),
    onConnectionError: (error) => errors.push(error),
    ...options,
  });
  return {
    port: listener.port,
    authorityPath: join(folder, 'ca.pem'),
    close: listener.close,
    errors,
    [Symbol.asyncDispose]: async () => {
      await listener.close(0);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const echo = new Hono<{ Bindings: { incoming: IncomingMessage } }>();
echo.onError((error, context) => context.json({ detail: error.message }, 500));
echo.get('/slow', async (context) => {
  await new Promise((resolve) => setTimeout(resolve, 500));
  return context.json({ slow: true });
});
echo.get('/endless', () => new Response(new ReadableStream({ pull: (out) => out.enqueue(new Uint8Array(65_536)) })));
echo.all('*', async (context) => {
  const body = await context.req.text();
  const tunnel = tunnelOf(context.env.incoming.socket);
  return context.json({ method: context.req.method, url: context.req.url, body: body.length, tunnel });
});

/** Sends bytes as they stand and returns all that comes back until the server closes. */
export async function exchangeBytes(port: number, ...chunks: readonly (string | Buffer)[]): Promise<string> {
  const socket = await openSocket(port);
  for (const chunk of chunks) socket.write(chunk);
  return text(socket);
}

export function openSocket(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => resolve(socket));
    socket.once('error', reject);
  });
}
