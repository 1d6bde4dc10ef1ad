import { createHash } from 'node:crypto';
import type { RequestListener, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { serveHttp, type TestServer } from '../../src/fetching/http/file-server.test-support.ts';

/** Addresses of recordings, as paths here, and whether a clip can be made of them. */
export const goodSounds = ['/sound.wav', '/redirect', '/slow'] as const;
export const badSounds = [
  '/missing',
  '/broken',
  '/garbage',
  '/large',
  '/endless',
  '/hanging',
  '/reset',
  '/loop',
] as const;
/** Receivers of webhooks, as paths here; the others never accept one. */
export const receivers = ['/hook/good', '/hook/flaky', '/hook/refusing', '/hook/hanging'] as const;
type Receiver = (typeof receivers)[number];

/** Whether a receiver accepts a webhook in the end. */
export function willAccept(receiver: Receiver): boolean {
  return receiver === '/hook/good' || receiver === '/hook/flaky';
}

/** Whoever the server under test talks to: serves files, well and badly, and receives webhooks. Dispose to close it. */
export class OutsideWorld implements AsyncDisposable {
  readonly webhooks: Webhooks;
  readonly #server: TestServer;
  /** Of another host, since those of one host wait for each other. */
  readonly #badReceivers: TestServer;

  private constructor(webhooks: Webhooks, server: TestServer, badReceivers: TestServer) {
    this.webhooks = webhooks;
    this.#server = server;
    this.#badReceivers = badReceivers;
  }

  static async open(sound: Buffer): Promise<OutsideWorld> {
    const webhooks = new Webhooks();
    const listener: RequestListener = async (request, response) => {
      const { url: path = '' } = request;
      if (path.startsWith('/hook/')) webhooks.receive(path, await buffer(request), response);
      else await serveFile(path, sound, response);
    };
    return new OutsideWorld(webhooks, await serveHttp(listener), await serveHttp(listener));
  }

  /** Address of a recording. */
  sound(path: (typeof goodSounds | typeof badSounds)[number]): string {
    return this.#server.url + path;
  }

  receiver(path: Receiver): string {
    return willAccept(path) ? this.#server.url + path : `http://localhost:${this.#badReceivers.port}${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await this.#badReceivers[Symbol.asyncDispose]();
  }
}

class Webhooks {
  /** By request: hashes of the bodies that arrived, and whether one was accepted. */
  readonly deliveries = new Map<string, { readonly bodies: Set<string>; accepted: boolean }>();

  receive(path: string, body: Buffer, response: ServerResponse): void {
    const { request_id: id } = JSON.parse(body.toString('utf8')) as { request_id: string };
    const before = this.deliveries.get(id);
    const delivery = before ?? { bodies: new Set<string>(), accepted: false };
    this.deliveries.set(id, delivery);
    delivery.bodies.add(createHash('sha256').update(body).digest('hex'));
    if (path === '/hook/hanging') return;
    if (path === '/hook/refusing' || (path === '/hook/flaky' && before === undefined)) {
      response.writeHead(500).end();
      return;
    }
    delivery.accepted = true;
    response.writeHead(200).end();
  }
}

async function serveFile(path: string, sound: Buffer, response: ServerResponse): Promise<void> {
  switch (path) {
    case '/sound.wav':
      return void response.writeHead(200, { 'content-type': 'audio/wav' }).end(sound);
    case '/redirect':
      return void response.writeHead(302, { location: '/sound.wav' }).end();
    case '/slow':
      for (let at = 0; at < sound.length; at += 2000) {
        response.write(sound.subarray(at, at + 2000));
        await wait(100);
      }
      return void response.end();
    case '/loop':
      return void response.writeHead(302, { location: '/loop' }).end();
    case '/garbage':
      return void response.end(Buffer.alloc(20_000, 'garbage'));
    case '/broken':
      return void response.writeHead(500).end();
    case '/large':
      return void response.writeHead(200, { 'content-length': 2 ** 40 }).write(sound);
    case '/endless':
      for (; !response.destroyed; await wait(10)) response.write(Buffer.alloc(100_000));
      return;
    case '/hanging':
      return void response.write('RIFF');
    case '/reset':
      return void response.destroy();
    default:
      return void response.writeHead(404).end();
  }
}
