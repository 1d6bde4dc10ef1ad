import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface Delivery {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** As received. */
  readonly body: Buffer;
  /** Milliseconds. */
  readonly at: number;
  /** When the sender gave up waiting for the answer. */
  abandonedAt?: number;
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly deliveries: readonly Delivery[];
  /** Those to one path. */
  to(path: string): readonly Delivery[];
}

/** Answers the `count`th delivery to a path; it may leave it unanswered. */
type Answer = (response: ServerResponse, path: string, count: number) => void;

/** Receives webhooks on this machine; without `answer` it accepts them all. */
export async function startReceiver(
  answer: Answer = (response) => void response.writeHead(200).end(),
): Promise<Receiver> {
  const deliveries: Delivery[] = [];
  const to = (path: string): readonly Delivery[] => deliveries.filter((delivery) => delivery.path === path);
  const server = createServer(async (request, response) => {
    const at = performance.now();
    const { url: path = '', headers } = request;
    const delivery: Delivery = { path, headers, body: await buffer(request), at };
    deliveries.push(delivery);
    response.on('close', () => {
      if (!response.writableEnded) delivery.abandonedAt = performance.now();
    });
    answer(response, path, to(path).length);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    deliveries,
    to,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
