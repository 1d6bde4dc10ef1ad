import { read } from 'node:fs';
import { open } from 'node:fs/promises';
import type { StoredTensor } from '../weights/safetensors.ts';

/** Bytes of one read; the system has several under way at a time. */
const readBytes = 32 * 2 ** 20;

/**
 * Has weights read into the system's page cache, where whoever maps their files finds them. All reads are asked for at once, so
 * that they go on while the runtime blocks the thread.
 */
export async function readAhead(weights: readonly StoredTensor[]): Promise<void> {
  const byFile = Map.groupBy(weights, ({ file }) => file);
  await Promise.all([...byFile].map(([file, tensors]) => readRanges(file, joined(tensors))));
}

interface Range {
  readonly start: number;
  readonly end: number;
}

async function readRanges(file: string, ranges: readonly Range[]): Promise<void> {
  await using handle = await open(file);
  // What is read goes nowhere: one buffer serves all reads.
  const buffer = new Uint8Array(readBytes);
  const reads: Promise<void>[] = [];
  for (const { start, end } of ranges) {
    for (let at = start; at < end; at += readBytes) {
      const length = Math.min(readBytes, end - at);
      reads.push(
        new Promise((resolve, reject) => {
          read(handle.fd, buffer, 0, length, at, (error) => (error === null ? resolve() : reject(error)));
        }),
      );
    }
  }
  await Promise.all(reads);
}

/** Neighbors as one. */
function joined(tensors: readonly StoredTensor[]): Range[] {
  const ranges: { start: number; end: number }[] = [];
  for (const { offset, length } of tensors.toSorted((a, b) => a.offset - b.offset)) {
    const last = ranges.at(-1);
    if (last !== undefined && last.end === offset) last.end = offset + length;
    else ranges.push({ start: offset, end: offset + length });
  }
  return ranges;
}
