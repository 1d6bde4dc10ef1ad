import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { serveHttp, type TestServer } from '../../../src/fetching/http/file-server.test-support.ts';

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

export interface Receiver extends TestServer {
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
  const server = await serveHttp(async (request, response) => {
    const at = performance.now();
    const { url: path = '', headers } = request;
    const delivery: Delivery = { path, headers, body: await buffer(request), at };
    deliveries.push(delivery);
    response.on('close', () => {
      if (!response.writableEnded) delivery.abandonedAt = performance.now();
    });
    answer(response, path, to(path).length);
  });
  return { ...server, deliveries, to };
}
