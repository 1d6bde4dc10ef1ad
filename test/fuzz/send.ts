import { type Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { OddRequest } from './odd-requests.ts';

export interface Reply {
  readonly status: number;
  readonly requestId: string;
  readonly type: string;
  readonly text: string;
}

/** Milliseconds after which a request counts as forgotten. */
const patience = 30_000;

/** Sends a request as it is, which `fetch` would not do, and reads the whole reply. */
export function send(url: string, agent: Agent, { method, path, headers, body }: OddRequest): Promise<Reply> {
  const { hostname, port } = new URL(url);
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(patience);
    const options = { hostname, port, agent, method, path, headers: { ...headers, ...length }, signal };
    const sent = request(options, (response) => {
      const { statusCode: status = 0, headers: replied } = response;
      const requestId = String(replied['x-fal-request-id']);
      const type = replied['content-type'] ?? '';
      text(response).then((read) => resolve({ status, requestId, type, text: read }), reject);
    });
    sent.on('error', reject).end(body);
  });
}
