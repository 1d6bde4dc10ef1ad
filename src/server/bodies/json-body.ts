import { type BodyLimits, bodyBytes } from './body-bytes.ts';
import type { BodyShare } from './body-shares.ts';
import { RefusedBody } from './refused-body.ts';

/**
 * Reads a small JSON body.
 *
 * @param share accounts for the memory it takes while it arrives
 * @throws RefusedBody
 */
export async function readJson(request: Request, limits: BodyLimits, share?: BodyShare): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bodyBytes(request, limits)) {
    size += chunk.length;
    if (share?.grow(size) === false) throw RefusedBody.tooManyAtOnce();
    chunks.push(chunk);
  }
  return parsed(decoded(Buffer.concat(chunks, size)));
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
