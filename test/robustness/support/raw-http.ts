import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawReply {
  /** 0 where nothing that is HTTP came back. */
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** All that came back. */
  readonly text: string;
}

/** Opens a connection to a server; what it does wrong shows when it closes. */
export function openSocket(url: string): Socket {
  const { hostname, port } = new URL(url);
  return connect({ host: hostname, port: Number(port) }).on('error', () => {});
}

/** Writes these very bytes and reads until the server closes; the request should say `Connection: close`. */
export async function rawRequest(url: string, bytes: string | Uint8Array): Promise<RawReply> {
  const socket = openSocket(url);
  const pieces: Buffer[] = [];
  socket.on('data', (piece) => pieces.push(piece));
  socket.write(bytes);
  await once(socket, 'close');
  return parsed(Buffer.concat(pieces).toString('latin1'));
}

function parsed(text: string): RawReply {
  const end = text.indexOf('\r\n\r\n');
  const [first = '', ...lines] = text.slice(0, Math.max(end, 0)).split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0);
  return { status, headers: new Map(headers), body: text.slice(end + 4), text };
}
