import { type Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';

/** A request as it is written: nothing about it is made tidy on its way, as `fetch` would. */
export interface WrittenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | undefined;
}

export interface Reply {
  readonly status: number;
  readonly requestId: string;
  /** When to come again. */
  readonly retryAfter: string | undefined;
  readonly type: string;
  readonly text: string;
}

export interface SendOptions {
  readonly agent?: Agent;
  /** Gives up. */
  readonly signal: AbortSignal;
}

/** Sends a request and reads the whole reply. */
export function send(url: string, written: WrittenRequest, { agent, signal }: SendOptions): Promise<Reply> {
  const { method, path, headers, body } = written;
  const { hostname, port } = new URL(url);
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const options = { hostname, port, agent, method, path, headers: { ...headers, ...length }, signal };
    const sent = request(options, (response) => {
      const { statusCode: status = 0, headers: replied } = response;
      const requestId = String(replied['x-fal-request-id']);
      const { 'content-type': type = '', 'retry-after': retryAfter } = replied;
      text(response).then((read) => resolve({ status, requestId, retryAfter, type, text: read }), reject);
    });
    sent.on('error', reject).end(body);
  });
}
