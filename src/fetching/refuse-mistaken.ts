import { mayBeMistaken, mistakenContent, telltaleBytes } from '../shared/folders/mistaken-content.ts';

/**
 * Passes the pieces of a file on, unless it is a web page or the like: then nothing of it.
 *
 * @param from the host that sends it, where it comes from one
 * @param refuse makes the error from what the file is
 */
export async function* refuseMistaken(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  from: string | undefined,
  refuse: (what: string) => Error,
): AsyncGenerator<Uint8Array> {
  const held: Uint8Array[] = [];
  let heldBytes = 0;
  let isSuspect: boolean | undefined;
  for await (const piece of pieces) {
    if (isSuspect === false) {
      yield piece;
      continue;
    }
    held.push(piece);
    heldBytes += piece.length;
    if (heldBytes < minSniffedBytes) continue;
    isSuspect ??= mayBeMistaken(Buffer.concat(held));
    if (isSuspect && heldBytes < telltaleBytes) continue;
    yield passed(held.splice(0), from, refuse);
    isSuspect = false;
  }
  if (held.length > 0) yield passed(held, from, refuse);
}

/** Bytes. */
const minSniffedBytes = 16;

function passed(pieces: readonly Uint8Array[], from: string | undefined, refuse: (what: string) => Error): Buffer {
  const start = Buffer.concat(pieces);
  const what = mistakenContent(start, from);
  if (what !== undefined) throw refuse(what);
  return start;
}
