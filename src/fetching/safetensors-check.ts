import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { mistakenContent, telltaleBytes } from '../shared/folders/mistaken-content.ts';

/** Far more than LoRAs of every linear layer with their training notes have; what is longer only costs memory. */
const maxHeader = 8 << 20;

const size = z.number().int().nonnegative();
const headerSchema = z
  .object({ __metadata__: z.record(z.string(), z.string()).optional() })
  .catchall(z.object({ dtype: z.string(), shape: z.array(size), data_offsets: z.tuple([size, size]) }));
type Header = z.infer<typeof headerSchema>;

/**
 * Passes the pieces of a file on, but stops at once where it does not begin like safetensors.
 *
 * @param refuse makes the error from what the file is instead
 */
export async function* expectSafetensors(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  refuse: (problem: string) => Error,
): AsyncGenerator<Uint8Array> {
  let start = Buffer.alloc(0);
  for await (const piece of pieces) {
    if (start.length < 9) {
      start = Buffer.concat([start, piece.subarray(0, telltaleBytes)]);
      const problem = start.length < 9 ? undefined : problemOfStart(start);
      if (problem !== undefined) throw refuse(problem);
    }
    yield piece;
  }
}

/** What keeps a file from being complete, well-formed safetensors; undefined where nothing does. */
export async function safetensorsProblem(path: string): Promise<string | undefined> {
  await using file = await open(path, 'r');
  const { size: total } = await file.stat();
  if (total < 9) return 'it is too short to be safetensors';
  const start = await read(file, 0, Math.min(total, telltaleBytes));
  const problem = problemOfStart(start);
  if (problem !== undefined) return problem;
  const length = Number(start.readBigUInt64LE());
  if (8 + length > total) return 'it ends inside its header';
  const header = parse(await read(file, 8, length));
  return header === undefined ? 'its safetensors header is malformed' : problemOfExtent(header, total - 8 - length);
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

function problemOfStart(start: Buffer): string | undefined {
  if (start.readBigUInt64LE() <= BigInt(maxHeader) && start[8] === 0x7b) return undefined;
  if (start.toString('latin1', 0, 2) === 'PK' || start[0] === 0x80)
    return 'it is a pickle, which can run code: convert it to safetensors';
  const mistaken = mistakenContent(start);
  return mistaken === undefined ? 'it is not a safetensors file' : mistakenForLora(mistaken);
}

/** @param what of `mistakenContent` */
export function mistakenForLora(what: string): string {
  return `it is ${what}, not a safetensors file: give the address of the .safetensors file itself`;
}

function parse(bytes: Buffer): Header | undefined {
  try {
    return headerSchema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))).data;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** The tensors have to cover the data exactly, without gaps or overlaps. */
function problemOfExtent({ __metadata__: _, ...tensors }: Header, dataBytes: number): string | undefined {
  const ranges = Object.values(tensors).map(({ data_offsets }) => data_offsets);
  ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let covered = 0;
  for (const [start, end] of ranges) {
    if (start !== covered || end < start) return 'its tensors overlap or leave gaps';
    covered = end;
  }
  if (covered > dataBytes) return `it is cut off: ${covered - dataBytes} bytes are missing`;
  return covered < dataBytes ? `it has ${dataBytes - covered} unexplained bytes at its end` : undefined;
}
