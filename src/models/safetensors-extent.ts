import { open } from 'node:fs/promises';
import { z } from 'zod';

const headerSchema = z.record(
  z.string(),
  z.looseObject({ data_offsets: z.tuple([z.number(), z.number()]).optional() }),
);

/** Larger headers are refused by the reference reader, too (https://github.com/huggingface/safetensors). */
const maxHeader = 100_000_000;

/** Bytes a `.safetensors` file must have by its own header, or undefined where it has no valid header. */
export async function safetensorsExtent(path: string): Promise<number | undefined> {
  await using file = await open(path, 'r');
  const prefix = new Uint8Array(8);
  if ((await file.read(prefix, 0, 8, 0)).bytesRead < 8) return undefined;
  const length = Number(new DataView(prefix.buffer).getBigUint64(0, true));
  if (length > maxHeader) return undefined;
  const text = new Uint8Array(length);
  if ((await file.read(text, 0, length, 8)).bytesRead < length) return undefined;
  const header = headerSchema.safeParse(parseJson(new TextDecoder().decode(text)));
  if (!header.success) return undefined;
  const ends = Object.values(header.data).flatMap(({ data_offsets }) => data_offsets?.[1] ?? []);
  return 8 + length + ends.reduce((max, end) => Math.max(max, end), 0);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
