import type { ReadableStreamReadResult } from 'node:stream/web';
import type { ByteSource } from '../../../files/blobs/blob-store.ts';
import { StorageRefusal } from '../storage-refusal.ts';

export interface UploadLimits {
  /** Largest file. */
  readonly bytes: number;
  /** Milliseconds without a byte after which an upload is given up. */
  readonly idle: number;
}

/** Bytes per second below which an upload counts as stalled, after a grace of twice the idle limit. */
const slowest = 1024;

/**
 * The bytes of a request's body as they arrive. They end with an error when they stop arriving, arrive too slowly, or
 * are not as many as announced.
 *
 * @throws StorageRefusal before anything is read, where the body is encoded or announced as too large
 */
export function uploadBody(request: Request, { bytes, idle }: UploadLimits): ByteSource {
  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? '';
  if (encoding !== '' && encoding !== 'identity') {
    throw new StorageRefusal(415, 'upload the bytes of the file as they are, without Content-Encoding');
  }
  if (/^multipart\//i.test(request.headers.get('content-type') ?? '')) {
    throw new StorageRefusal(415, 'upload the bytes of the file themselves, not a form');
  }
  const length = request.headers.get('content-length');
  const announced = length === null ? undefined : Number(length);
  if (announced !== undefined && announced > bytes) {
    throw new StorageRefusal(413, `the file is larger than ${bytes} bytes, the most that is accepted`);
  }
  return arriving(request.body, announced, idle);
}

async function* arriving(
  body: ReadableStream<Uint8Array> | null,
  announced: number | undefined,
  idle: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = (body ?? new Blob([]).stream()).getReader();
  const began = performance.now();
  let size = 0;
  try {
    for (let next = await readWithin(reader, idle); !next.done; next = await readWithin(reader, idle)) {
      size += next.value.length;
      const allowed = 2 * idle + (size / slowest) * 1000;
      if (performance.now() - began > allowed) throw tooSlow();
      yield next.value;
    }
    if (announced !== undefined && size !== announced) throw brokenOff();
  } finally {
    // What is left of the body is discarded with the connection.
    reader.releaseLock();
  }
}

async function readWithin(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  milliseconds: number,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(tooSlow()), milliseconds);
  try {
    return await Promise.race([reader.read(), late]);
  } catch (error) {
    throw error instanceof StorageRefusal ? error : brokenOff(error);
  } finally {
    clearTimeout(timer);
  }
}

function tooSlow(): StorageRefusal {
  return new StorageRefusal(408, 'the upload stopped, or was too slow: send it again');
}

function brokenOff(cause?: unknown): StorageRefusal {
  return new StorageRefusal(400, 'the upload broke off before it was complete: send it again', cause);
}
