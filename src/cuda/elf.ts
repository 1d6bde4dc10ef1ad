import { type FileHandle, open } from 'node:fs/promises';

const loadable = 1;
const dynamic = 2;
const needed = 1n;
const stringTable = 5n;
const stringTableSize = 10n;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: bigint;
  readonly size: number;
}

/**
 * The names of the shared libraries that one needs to be loaded (`DT_NEEDED`), of a 64-bit little-endian ELF file.
 *
 * @throws Error where the file is none
 */
export async function neededLibraries(path: string): Promise<readonly string[]> {
  await using file = await open(path);
  const header = await read(file, 0, 64);
  const isElf64 = header.toString('latin1', 0, 4) === '\x7fELF' && header[4] === 2 && header[5] === 1;
  if (!isElf64) throw new Error(`${path} is no shared library for 64-bit Linux`);
  const segments = await readSegments(file, header);
  const table = segments.find(({ type }) => type === dynamic);
  if (table === undefined) return [];
  const entries = readEntries(await read(file, table.offset, table.size));
  const address = entries.find(([tag]) => tag === stringTable)?.[1];
  const size = entries.find(([tag]) => tag === stringTableSize)?.[1];
  if (address === undefined || size === undefined) return [];
  const holder = segments.find(
    ({ type, address: start, size: length }) =>
      type === loadable && address >= start && address < start + BigInt(length),
  );
  if (holder === undefined) throw new Error(`${path} is damaged: its names are outside of it`);
  const strings = await read(file, holder.offset + Number(address - holder.address), Number(size));
  return entries.filter(([tag]) => tag === needed).map(([, value]) => stringAt(strings, Number(value)));
}

async function readSegments(file: FileHandle, header: Buffer): Promise<readonly Segment[]> {
  const [size, count] = [header.readUInt16LE(54), header.readUInt16LE(56)];
  const table = await read(file, Number(header.readBigUInt64LE(32)), size * count);
  return Array.from({ length: count }, (_, index) => {
    const at = index * size;
    return {
      type: table.readUInt32LE(at),
      offset: Number(table.readBigUInt64LE(at + 8)),
      address: table.readBigUInt64LE(at + 16),
      size: Number(table.readBigUInt64LE(at + 32)),
    };
  });
}

/** Pairs of tag and value, up to the one that ends the table. */
function readEntries(table: Buffer): readonly (readonly [bigint, bigint])[] {
  const entries: [bigint, bigint][] = [];
  for (let at = 0; at + 16 <= table.length; at += 16) {
    const tag = table.readBigInt64LE(at);
    if (tag === 0n) break;
    entries.push([tag, table.readBigUInt64LE(at + 8)]);
  }
  return entries;
}

function stringAt(strings: Buffer, at: number): string {
  return strings.toString('latin1', at, strings.indexOf(0, at));
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead < length) throw new Error('the file ends early');
  return buffer;
}
