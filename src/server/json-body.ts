import { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { BodyMemory } from './body-memory.ts';
import { RefusedBody } from './refused-body.ts';

export interface BodyLimits {
  /** Bytes after decompression. */
  readonly bytes: number;
  /** Milliseconds without a byte after which the caller is given up. */
  readonly idle: number;
  /** Shared by all bodies; absent: no limit but the one for each. */
  readonly memory?: BodyMemory | undefined;
}

/**
 * Reads a JSON body; one that is too large is not read to its end.
 *
 * @throws RefusedBody
 */
export async function readJson(request: Request, limits: BodyLimits): Promise<unknown> {
  const declared = Number(request.headers.get('content-length') ?? '0');
  if (declared > limits.bytes) throw RefusedBody.tooLarge(limits.bytes);
  return parsed(decoded(await readAll(request, limits)));
}

async function readAll(request: Request, limits: BodyLimits): Promise<Buffer> {
  if (request.body === null) return Buffer.alloc(0);
  const raw = Readable.fromWeb(request.body as Parameters<typeof Readable.fromWeb>[0]);
  const source = decompressed(raw, request.headers.get('content-encoding'));
  const timer = setTimeout(() => raw.destroy(RefusedBody.tooSlow()), limits.idle);
  using account = limits.memory?.open();
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of source) {
      timer.refresh();
      size += chunk.length;
      if (size > limits.bytes) throw RefusedBody.tooLarge(limits.bytes);
      if (account?.grow(size) === false) throw RefusedBody.tooManyAtOnce();
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof RefusedBody ? error : RefusedBody.unreadable(error);
  } finally {
    clearTimeout(timer);
    source.destroy();
  }
  return Buffer.concat(chunks, size);
}

const decoders: Readonly<Record<string, () => ReturnType<typeof createGunzip>>> = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  deflate: () => createInflate(),
  br: () => createBrotliDecompress(),
};

function decompressed(raw: Readable, encoding: string | null): Readable {
  const name = encoding?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') return raw;
  const decoder = Object.hasOwn(decoders, name) ? decoders[name]?.() : undefined;
  if (decoder === undefined) {
    raw.destroy();
    throw RefusedBody.unknownEncoding();
  }
  raw.once('error', (error) => decoder.destroy(error));
  decoder.once('close', () => raw.destroy());
  return raw.pipe(decoder);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decoded(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw RefusedBody.notJson('the body is not valid UTF-8', 0);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const position = /at position (\d+)/.exec(error.message)?.[1];
    throw RefusedBody.notJson(
      text.trim() === '' ? 'the body is empty' : 'the body is not valid JSON',
      position === undefined ? text.length : Number(position),
    );
  }
}
