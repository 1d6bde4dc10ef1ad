import { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { RefusedBody } from './refused-body.ts';

export interface BodyLimits {
  /** Bytes after decompression. */
  readonly bytes: number;
  /** Milliseconds without a byte after which the caller is given up. */
  readonly idle: number;
}

/** Bytes per second below which a body counts as stalled, after a grace of twice the idle limit. */
const minRate = 8 * 1024;

/**
 * The bytes of a request's body, decompressed; one that is too large is not read to its end.
 *
 * @throws RefusedBody
 */
export async function* bodyBytes(
  request: Request,
  { bytes, idle }: BodyLimits,
): AsyncGenerator<Buffer, void, undefined> {
  const declared = Number(request.headers.get('content-length') ?? '0');
  if (declared > bytes) throw RefusedBody.tooLarge(bytes);
  if (request.body === null) return;
  const raw = Readable.fromWeb(request.body as Parameters<typeof Readable.fromWeb>[0]);
  const source = decompressed(raw, request.headers.get('content-encoding'));
  const timer = setTimeout(() => raw.destroy(RefusedBody.tooSlow()), idle);
  const began = performance.now();
  let size = 0;
  try {
    for await (const chunk of source) {
      timer.refresh();
      size += chunk.length;
      if (size > bytes) throw RefusedBody.tooLarge(bytes);
      if (performance.now() - began > 2 * idle + (size / minRate) * 1000) throw RefusedBody.tooSlow();
      yield chunk;
    }
  } catch (error) {
    throw error instanceof RefusedBody ? error : RefusedBody.unreadable(error);
  } finally {
    clearTimeout(timer);
    source.destroy();
  }
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
