import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { SoundstageError } from '../../../shared/errors.ts';
import { keepCertificate } from '../certificates/kept-certificate.ts';
import type { ServerCertificate } from '../certificates/server-certificate.ts';
import type { ServedPorts } from '../hosts.ts';
import { sortConnections } from './connections.ts';
import { answerBrokenRequests, closeWhenIdle, trackExchanges } from './exchanges.ts';
import { answerConnect, withAbsoluteForm } from './proxy-requests.ts';
import { shutDown } from './shut-down.ts';

/** Limits in milliseconds. */
export interface ListenerTimeouts {
  /** Until a connection's first byte, and for the headers of each request; a TLS handshake included. */
  readonly headers: number;
  /** For a whole request, body included. */
  readonly request: number;
  /** Without a byte moving, while it is the caller's turn. */
  readonly idle: number;
  /** Between two requests of a connection. */
  readonly keepAlive: number;
}

const defaultTimeouts: ListenerTimeouts = Object.freeze({
  headers: 30_000,
  // A large file over a slow line; a stalled one is caught by `idle`.
  request: 3_600_000,
  idle: 120_000,
  // Longer than reverse proxies and clients commonly keep theirs, so that none of them writes into a closing connection.
  keepAlive: 75_000,
});

/** Milliseconds for running exchanges to finish. */
const defaultGrace = 10_000;

export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly handler: RequestListener;
  /** Asked for at the start and once a day. */
  readonly certificate: () => Promise<ServerCertificate>;
  /** `SOUNDSTAGE_PUBLIC_URL`: one more name under which tunnels may ask for us. */
  readonly publicUrl?: string | undefined;
  readonly timeouts?: Partial<ListenerTimeouts> | undefined;
  /** Told of what callers did wrong on the wire: broken requests, failed handshakes, resets. */
  readonly onConnectionError?: ((error: Error) => void) | undefined;
  /** Told when the daily look at the certificate fails; the old one stays in use. */
  readonly onCertificateError?: ((error: unknown) => void) | undefined;
}

export interface Listener extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Accepts nothing new, lets running exchanges finish for `grace` milliseconds, then ends them. */
  close(grace?: number): Promise<void>;
}

/**
 * Listens on one TCP port for http, https and requests meant for a proxy. Which of the first two it is, a connection's
 * first byte tells. As a proxy it serves nobody but the platform's hosts and its own, and those itself: no connection
 * ever leaves.
 *
 * @throws SoundstageError `input` when the address cannot be listened on
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { host, onConnectionError = () => {}, onCertificateError = () => {} } = options;
  const limits = { ...defaultTimeouts, ...options.timeouts };
  using opened = new DisposableStack();
  const certificate = opened.use(await keepCertificate(options.certificate, onCertificateError));
  const server = createServer({
    headersTimeout: limits.headers,
    requestTimeout: limits.request,
    keepAliveTimeout: limits.keepAlive,
    connectionsCheckingInterval: Math.min(5000, limits.headers),
    noDelay: true,
  });
  const connections = sortConnections(server, {
    limit: limits.headers,
    secureContext: certificate.context,
    onError: onConnectionError,
  });
  const exchanges = trackExchanges(server);
  closeWhenIdle(server, exchanges, limits.idle);
  answerBrokenRequests(server, exchanges, onConnectionError);
  const place = (): ServedPorts => ({ host, publicUrl: options.publicUrl, port: portOf(server) });
  server.on('request', withAbsoluteForm(options.handler, place));
  server.on('connect', answerConnect(place, connections.accept));
  await bind(server, options);
  // Running out of file descriptors is no reason to stop.
  server.on('error', onConnectionError);
  const stack = opened.move();
  const close = async (grace = defaultGrace): Promise<void> => {
    stack.dispose();
    await shutDown(server, connections, grace);
  };
  return Object.freeze({ host, port: portOf(server), close, [Symbol.asyncDispose]: () => close() });
}

async function bind(server: Server, { host, port }: ListenOptions): Promise<void> {
  try {
    server.listen({ host, port, backlog: 4096 });
    await once(server, 'listening');
  } catch (cause) {
    const taken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
    throw new SoundstageError(
      'input',
      taken
        ? `Port ${port} of ${host} is taken; choose another with --port or SOUNDSTAGE_PORT, 0 for a free one.`
        : `Cannot listen on port ${port} of ${host}; change SOUNDSTAGE_HOST or SOUNDSTAGE_PORT.`,
      { field: taken ? 'SOUNDSTAGE_PORT' : 'SOUNDSTAGE_HOST', cause },
    );
  }
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
