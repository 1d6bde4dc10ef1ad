import { expect } from 'vitest';

import { type TestClipMaker, untilAborted } from '../jobs/jobs.test-support.ts';
import type { RunningServer } from './open-server.ts';

export const id = 'fal-ai/ltx-2-19b/distilled/audio-to-video/lora';
export const app = 'fal-ai/ltx-2-19b';
export const input = { prompt: 'A woman speaks', audio_url: 'https://example.com/a.wav', loras: [] };
/** Of a request that never was. */
export const unknownId = '01a20351-8294-7390-af0b-30f4fc2d971f';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed where it is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: replies of every shape are looked into
  readonly body: any;
}

/** Calls to a test server, and what every reply of it must have. */
export class Calls {
  readonly #server: () => RunningServer;
  readonly #maker: TestClipMaker;

  constructor(server: () => RunningServer, maker: TestClipMaker) {
    this.#server = server;
    this.#maker = maker;
  }

  async call(path: string, init: RequestInit = {}): Promise<Reply> {
    const reply = await fetch(new URL(path, this.#server().url), { redirect: 'error', ...init });
    expect(reply.headers.get('x-fal-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    // Without keys no other page may read anything, unless a test has the server allow its origin.
    const readers = this.#server().isKeyRequired ? '*' : new Headers(init.headers).get('origin');
    expect(reply.headers.get('access-control-allow-origin')).toBe(readers);
    const text = await reply.text();
    const isJson = reply.headers.get('content-type')?.includes('application/json') === true;
    return { status: reply.status, headers: reply.headers, body: isJson ? JSON.parse(text) : text };
  }

  post(path: string, body: unknown = input, headers: Record<string, string> = {}): Promise<Reply> {
    return this.call(path, { method: 'POST', body: JSON.stringify(body), headers });
  }

  async finished(requestId: string): Promise<void> {
    for await (const status of this.#server().requests.watch(requestId)) if (status.state === 'COMPLETED') return;
  }

  /** Has every clip wait to be cancelled; resolves to the id of one that runs. */
  async running(): Promise<string> {
    this.#maker.behavior = untilAborted;
    const { body } = await this.post(`/queue/${id}`);
    for await (const { state } of this.#server().requests.watch(body.request_id)) if (state === 'IN_PROGRESS') break;
    return body.request_id;
  }
}

/** The data of server-sent events. */
// biome-ignore lint/suspicious/noExplicitAny: events of every shape are looked into
export function eventsOf(text: string): any[] {
  const events = text.split('\n\n').filter((part) => part.startsWith('data: '));
  return events.map((event) => JSON.parse(event.slice('data: '.length)));
}
