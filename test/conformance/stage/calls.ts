import { expect } from 'vitest';

export interface CallOptions {
  readonly method?: string;
  /** Text and bytes as they are, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed where it is JSON, else the text. */
  readonly body: ReturnType<typeof JSON.parse>;
}

/** Calls and reads the reply. No reply may be a redirect, and every one has to carry a request id. */
export async function call(url: string | URL, options: CallOptions = {}): Promise<Reply> {
  const reply = await open(url, options);
  const text = await reply.text();
  const isJson = reply.headers.get('content-type')?.includes('application/json') === true;
  return { status: reply.status, headers: reply.headers, body: isJson ? JSON.parse(text) : text };
}

/** The same without reading the body. */
export async function open(url: string | URL, options: CallOptions = {}): Promise<Response> {
  const { body, headers, method = body === undefined ? 'GET' : 'POST' } = options;
  const reply = await fetch(url, {
    method,
    headers: { ...(isRaw(body) ? {} : { 'content-type': 'application/json' }), ...headers },
    redirect: 'error',
    ...(body === undefined ? {} : { body: isRaw(body) ? body : JSON.stringify(body) }),
  });
  expect(reply.headers.get('x-fal-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  return reply;
}

function isRaw(body: unknown): body is string | Uint8Array<ArrayBuffer> {
  return typeof body === 'string' || body instanceof Uint8Array;
}

/** Events of a stream as they arrive, each with its bytes; ends when the server closes it. */
export async function* eventsOf(reply: Response): AsyncGenerator<{
  readonly data: ReturnType<typeof JSON.parse>;
  readonly bytes: Buffer;
}> {
  let rest = Buffer.alloc(0);
  for await (const chunk of reply.body ?? []) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const bytes = rest.subarray(0, end);
      rest = rest.subarray(end + 2);
      const text = bytes.toString('utf8');
      if (text.startsWith(':')) continue;
      expect(text).toMatch(/^data: /);
      yield { data: JSON.parse(text.slice('data: '.length)), bytes };
    }
  }
  expect(rest).toHaveLength(0);
}
