import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SoundstageError } from '../../shared/errors.ts';
import { pseudoRandom } from '../random.test-support.ts';
import { readSafetensorsHeader, type StoredTensor } from './safetensors.ts';
import { writeSafetensors } from './safetensors-writer.ts';
import { readBytes, readStoredFloats } from './stored-tensor-values.ts';

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-safetensors-'));
  path = join(folder, 'file.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

const f32 = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

/** A file of a header, given as JSON or text, and data. */
function fileOf(header: unknown, data: Uint8Array | number = 0): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, typeof data === 'number' ? Buffer.alloc(data) : data]);
}

async function read(bytes: Uint8Array): Promise<ReadonlyMap<string, StoredTensor>> {
  await writeFile(path, bytes);
  return (await readSafetensorsHeader(path)).tensors;
}

const entry = (start: number, end: number, shape: unknown = [(end - start) / 4], dtype: unknown = 'F32') => ({
  dtype,
  shape,
  data_offsets: [start, end],
});

describe('valid files', () => {
  test('scales are read with the header, wherever they lie', async () => {
    const one = (name: string, value: number) =>
      ({ name, dtype: 'float32', shape: [], bytes: () => f32(value) }) as const;
    const between = { name: 'table', dtype: 'float32', shape: [2], bytes: () => f32(8, 9) } as const;
    await writeSafetensors(path, [
      one('a_scale', 0.5),
      one('b_scale', 2),
      one('alpha', 4),
      between,
      one('c_scale', -3),
    ]);
    const { tensors } = await readSafetensorsHeader(path);
    expect(new Map([...tensors.values()].map(({ name, scale }) => [name, scale]))).toEqual(
      new Map([
        ['a_scale', 0.5],
        ['b_scale', 2],
        ['alpha', undefined],
        ['table', undefined],
        ['c_scale', -3],
      ]),
    );
  });

  test('what is written is read back', async () => {
    await writeSafetensors(
      path,
      [
        { name: 'größe', dtype: 'float32', shape: [1, 2], bytes: () => f32(1.5, -2) },
        { name: 'empty', dtype: 'bfloat16', shape: [0, 4], bytes: () => new Uint8Array(0) },
        { name: '__proto__', dtype: 'float32', shape: [], bytes: () => f32(7) },
        { name: '0', dtype: 'bool', shape: [3], bytes: () => Uint8Array.of(1, 0, 1) },
      ],
      { note: 'naïve' },
    );
    const { tensors, metadata } = await readSafetensorsHeader(path);
    expect(metadata).toEqual({ note: 'naïve' });
    expect([...tensors.keys()].sort()).toEqual(['0', '__proto__', 'empty', 'größe']);
    const stored = (name: string) => tensors.get(name) as StoredTensor;
    expect(stored('größe').offset % 8).toBe(0);
    expect(await readStoredFloats(stored('größe'))).toEqual(Float32Array.of(1.5, -2));
    expect(await readStoredFloats(stored('empty'))).toEqual(new Float32Array(0));
    expect(await readStoredFloats(stored('__proto__'))).toEqual(Float32Array.of(7));
    expect(await readBytes(stored('0'))).toEqual(Uint8Array.of(1, 0, 1));
    await expect(readStoredFloats(stored('0'))).rejects.toThrow('not floats');
  });

  test('the writer refuses bytes that do not fill the shape', async () => {
    const wrong = { name: 'x', dtype: 'float32', shape: [2], bytes: () => f32(1) } as const;
    await expect(writeSafetensors(path, [wrong])).rejects.toThrow('"x" takes 8 bytes, not 4');
  });

  test('no tensors, spaces behind the header, tensors out of order', async () => {
    expect((await read(fileOf('{}'))).size).toBe(0);
    expect((await read(fileOf('{}      '))).size).toBe(0);
    expect((await read(fileOf({ late: entry(4, 12), early: entry(0, 4) }, 12))).get('early')?.length).toBe(4);
  });

  test.for([0x4b50, 0x0180])('a header whose length %i begins like a pickle or a zip', async (length) => {
    expect((await read(fileOf('{}'.padEnd(length)))).size).toBe(0);
  });

  test('tensors without elements take no bytes, wherever they lie', async () => {
    const tensors = await read(fileOf({ a: entry(0, 0, [0]), b: entry(0, 4), c: entry(4, 4, [3, 0]) }, 4));
    expect(tensors.get('c')).toMatchObject({ length: 0, shape: [3, 0] });
  });
});

describe('unusable files', () => {
  const big = Buffer.alloc(8);
  big.writeBigUInt64LE(99_999_999n);
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ['nothing', new Uint8Array(0), 'only 0 bytes'],
    ['seven bytes', new Uint8Array(7), 'only 7 bytes'],
    ['an empty header', fileOf(''), 'not JSON'],
    ['a header of 2⁶⁴−1 bytes', Buffer.alloc(64, 0xff), 'claims 18446744073709551615 bytes'],
    ['a header longer than the file', Buffer.concat([big, Buffer.from('{}')]), 'ends inside its header'],
    ['text', fileOf('not json at all'), 'not JSON'],
    ['bytes that are not UTF-8', fileOf('{"?":{}}').fill(0xff, 10, 11), 'not JSON'],
    ['a list', fileOf([]), 'not a JSON object'],
    ['null', fileOf('null'), 'not a JSON object'],
    ['a pickle', Buffer.from([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20]), 'pickle'],
    ['a zip archive', Buffer.from('PK\u0003\u0004\u0000\u0000\u0008\u0008\u0000\u0000', 'latin1'), 'pickle'],
    ['a web page', Buffer.from('<!DOCTYPE html><title>Log in</title>'), 'it is a web page ("Log in")'],
    ['metadata of numbers', fileOf({ __metadata__: { n: 1 } }), '__metadata__'],
    ['metadata as a list', fileOf({ __metadata__: ['a'] }), '__metadata__'],
    ['an entry of a number', fileOf({ x: 5 }), 'not an object'],
    ['an unknown type', fileOf({ x: entry(0, 4, [1], 'F4') }, 4), 'unsupported type "F4"'],
    ['a type from the prototype', fileOf({ x: entry(0, 4, [1], 'constructor') }, 4), 'unsupported type'],
    ['no shape', fileOf({ x: { dtype: 'F32', data_offsets: [0, 4] } }, 4), 'bad shape'],
    ['a negative length', fileOf({ x: entry(0, 4, [-1]) }, 4), 'bad shape'],
    ['a fraction', fileOf({ x: entry(0, 4, [0.5, 2]) }, 4), 'bad shape'],
    ['a length beyond 2⁵³', fileOf({ x: entry(0, 4, [2 ** 60]) }, 4), 'bad shape'],
    ['lengths whose product overflows', fileOf({ x: entry(0, 0, [2 ** 52, 2 ** 52, 2 ** 52]) }), 'takes'],
    ['one offset', fileOf({ x: { dtype: 'F32', shape: [1], data_offsets: [0] } }, 4), 'bad data offsets'],
    ['a negative offset', fileOf({ x: entry(-4, 0, [1]) }, 4), 'bad data offsets'],
    ['offsets the wrong way round', fileOf({ x: entry(4, 0, [1]) }, 4), 'holds -4 bytes'],
    ['too few bytes for the shape', fileOf({ x: entry(0, 4, [2]) }, 4), 'takes 8'],
    ['a gap', fileOf({ x: entry(0, 4), y: entry(8, 12) }, 12), 'gap'],
    ['a gap in front', fileOf({ x: entry(4, 8) }, 8), 'gap'],
    ['an overlap', fileOf({ x: entry(0, 8), y: entry(4, 12) }, 12), 'overlaps'],
    ['the same range twice', fileOf({ x: entry(0, 4), y: entry(0, 4) }, 4), 'overlaps'],
    ['cut off data', fileOf({ x: entry(0, 8) }, 7), 'cut off'],
    ['bytes behind the data', fileOf({ x: entry(0, 8) }, 9), '1 unexplained bytes'],
  ];
  test.for(cases)('%s', async ([, bytes, message]) => {
    const failure = await read(bytes).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SoundstageError);
    expect(failure).toMatchObject({ kind: 'weights', message: expect.stringContaining(message) });
    expect(failure).toMatchObject({ message: expect.stringContaining(path) });
  });

  test('no file, a folder', async () => {
    const missing = readSafetensorsHeader(join(folder, 'missing.safetensors'));
    await expect(missing).rejects.toMatchObject({ kind: 'weights', message: expect.stringContaining('missing') });
    await expect(readSafetensorsHeader(folder)).rejects.toMatchObject({ kind: 'weights' });
  });

  test('a file cut off after its header was read', async () => {
    const tensors = await read(fileOf({ x: entry(0, 8) }, 8));
    await truncate(path, 60);
    await expect(readBytes(tensors.get('x') as StoredTensor)).rejects.toMatchObject({ kind: 'weights' });
  });

  test('metadata of null is none, as in the reference implementation', async () => {
    expect([...(await read(fileOf({ __metadata__: null, x: entry(0, 8) }, 8))).keys()]).toEqual(['x']);
  });

  test('200 random mutations of a valid file are either valid or refused with an explanation', async () => {
    const valid = fileOf(
      { __metadata__: { format: 'pt' }, a: entry(0, 16, [2, 2]), b: entry(16, 24), c: entry(24, 24, [0]) },
      24,
    );
    const random = pseudoRandom(7);
    let refused = 0;
    for (let round = 0; round < 200; round++) {
      const outcome = await read(mutated(valid, random)).catch((error: unknown) => error);
      if (outcome instanceof Map) continue;
      refused++;
      expect(outcome).toBeInstanceOf(SoundstageError);
      expect(outcome).toMatchObject({ kind: 'weights' });
    }
    expect(refused).toBeGreaterThan(100);
  });
});

describe('values', () => {
  test('every float type is widened', async () => {
    const header = {
      f64: entry(0, 8, [1], 'F64'),
      f16: entry(8, 12, [2], 'F16'),
      bf16: entry(12, 16, [2], 'BF16'),
      f8: entry(16, 22, [6], 'F8_E4M3'),
    };
    const data = new DataView(new ArrayBuffer(22));
    data.setFloat64(0, 0.1, true);
    [0x3e00, 0xfc00].forEach((bits, index) => {
      data.setUint16(8 + index * 2, bits, true);
    });
    [0x3fc0, 0xc2f7].forEach((bits, index) => {
      data.setUint16(12 + index * 2, bits, true);
    });
    // 1, −448 (the largest), the smallest subnormal, the smallest normal, −0, NaN
    [0x38, 0xfe, 0x01, 0x08, 0x80, 0x7f].forEach((bits, index) => {
      data.setUint8(16 + index, bits);
    });
    const tensors = await read(fileOf(header, new Uint8Array(data.buffer)));
    const values = (name: string) => readStoredFloats(tensors.get(name) as StoredTensor);
    expect(await values('f64')).toEqual(Float32Array.of(0.1));
    expect(await values('f16')).toEqual(Float32Array.of(1.5, Number.NEGATIVE_INFINITY));
    expect(await values('bf16')).toEqual(Float32Array.of(1.5, -123.5));
    expect(await values('f8')).toEqual(Float32Array.of(1, -448, 2 ** -9, 2 ** -6, -0, Number.NaN));
  });
});

/** Flips bits, cuts, grows, or swaps a few characters for ones that matter in JSON. */
function mutated(valid: Buffer, random: (below: number) => number): Buffer {
  const bytes = Buffer.from(valid);
  for (let change = random(3); change >= 0; change--) {
    const at = random(bytes.length);
    const kind = random(5);
    if (kind === 0) bytes[at] = (bytes[at] as number) ^ (1 << random(8));
    if (kind === 1) bytes[8 + random(150)] = '0123456789{}[]",:-eE.'.charCodeAt(random(21));
    if (kind === 2) bytes[random(8)] = random(256);
    if (kind === 3) return bytes.subarray(0, at);
    if (kind === 4) return Buffer.concat([bytes, Buffer.alloc(random(9))]);
  }
  return bytes;
}
