import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decodeDataUri } from './data-uri.ts';

const purpose = { field: 'image_url', maxBytes: 100_000_000 };
const decode = (uri: string, maxBytes = purpose.maxBytes): Buffer =>
  Buffer.concat([...decodeDataUri(uri, { ...purpose, maxBytes })]);

test.each([
  ['data:,', ''],
  ['data:,A%20brief%20note', 'A brief note'],
  ['data:text/plain;charset=utf-8,caf%C3%A9 é 😀', 'café é 😀'],
  ['data:,100%', '100%'],
  ['data:,%zz%4', '%zz%4'],
  ['DATA:audio/mpeg;BASE64,aGVsbG8=', 'hello'],
  ['data:;base64,aGVsbG8', 'hello'],
  ['data:audio/mpeg;name=a.mp3; base64 ,aGVs\r\n bG8=\t', 'hello'],
  ['data:;base64,aGVsbG8%3D', 'hello'],
  ['data:;base64,%61GVsbG8%3d%0A', 'hello'],
  ['data:;base64,', ''],
  ['data:;base64,_-8=', Buffer.from([0xff, 0xef]).toString('latin1')],
])('%s', (uri, expected) => {
  const bytes = decode(uri);
  expect(uri.includes('_-') ? bytes.toString('latin1') : bytes.toString()).toBe(expected);
});

test.each([
  'data:',
  'data:audio/mpeg;base64',
  'data:;base64,aGVsbG8*',
  'data:;base64,aGVsb',
  'data:;base64,aGVs=bG8=',
  'data:;base64,aGVsbG8===',
  'data:;base64,=',
  'data:;base64,é',
  'data:;base64,aGVsbG8%00',
  `data:${'x'.repeat(5000)},A`,
])('malformed: %s', (uri) => {
  if (uri === 'data:;base64,=') return expect(decode(uri)).toHaveLength(0);
  expect(() => decode(uri)).toThrow(
    expect.objectContaining({ kind: 'input', field: 'image_url', type: 'file_download_error' }),
  );
});

describe('base64 that was damaged on the way is refused, not half decoded', () => {
  const bytes = Buffer.from('fbefbe'.repeat(100), 'hex');
  const base64 = bytes.toString('base64');
  expect(base64).toMatch(/^(?:\+\+\+\+)+$/);
  const plus = `UklGRi4+${'QUJD'.repeat(500)}+AA=`;

  test.each([
    ['+ as spaces', plus.replaceAll('+', ' ')],
    ['+ as escaped spaces', plus.replaceAll('+', '%20')],
    ['some + as spaces', plus.replace('+', ' ')],
    ['nothing but +, as spaces within', `AAAA${base64}AAAA`.replaceAll('+', ' ')],
    ['a + before the padding, as a space', 'QUJDQU ='],
    ['one + as a space, no padding', 'AAA AAAAA'],
    ['a space after 64 characters, but not after the next 64', `${'A'.repeat(64)} ${'A'.repeat(63)} ${'A'.repeat(64)}`],
  ])('%s', (_, content) => {
    expect(() => decode(`data:audio/wav;base64,${content}`)).toThrow(/spaces where base64 has \+.*%2B/);
  });

  test.each([
    ['cut off: one character over', 'aGVsb', /cut off/],
    ['cut off within a byte', 'aGVsbG9', /cut off/],
    ['cut off within a byte, filled up', 'aGV=', /cut off/],
    ['escaped twice', 'aGVs%252BbG8', /contains "%"/],
    ['quoted', '"aGVsbG8="', /contains "\\""/],
    ['shortened for a log', 'aGVsbG8gaGVsbG8...', /contains "\."/],
    ['padding in the middle: two URIs joined', 'aGVsbG8=aGVsbG8=', /contains "="/],
    ['a letter that looks like one', 'aGVsbG\u0430=', /contains "\u0430"/],
  ])('%s', (_, content, reason) => {
    expect(() => decode(`data:audio/wav;base64,${content}`)).toThrow(reason);
  });

  test.each([
    ['lines of 76', bytes.toString('base64').replace(/.{76}/g, '$&\r\n')],
    ['lines of 76 that were joined by spaces', base64.replace(/.{76}/g, '$& ')],
    ['lines of 64 that were joined by escaped spaces', base64.replace(/.{64}/g, '$&%20')],
    ['indented lines', base64.replace(/.{60}/g, '$&\n    ')],
    ['space around', `  ${base64} \n`],
    ['escaped', encodeURIComponent(base64)],
    ['the alphabet for URLs', base64.replaceAll('+', '-')],
  ])('%s are no damage', (_, content) => {
    expect(decode(`data:audio/wav;base64,${content}`).equals(bytes)).toBe(true);
  });
});

test('a URI of many pieces, wherever they are cut', () => {
  const bytes = randomBytes(5_000_000);
  const base64 = bytes.toString('base64');
  const escaped = [...bytes.subarray(0, 1_500_000)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  expect(decode(`data:;base64,${base64}`).equals(bytes)).toBe(true);
  expect(decode(`data:;base64,${base64.replace(/.{77}/g, '$&\r\n')}`).equals(bytes)).toBe(true);
  expect(decode(`data:;base64,${base64.replaceAll('A', '%41')}`).equals(bytes)).toBe(true);
  for (const shift of ['', 'a', 'ab']) {
    const expected = Buffer.concat([Buffer.from(shift), bytes.subarray(0, 1_500_000)]);
    expect(decode(`data:,${shift}${escaped}`).equals(expected)).toBe(true);
    const faces = shift + '😀'.repeat(700_000);
    expect(decode(`data:,${faces}`).toString()).toBe(faces);
  }
});

test('garbage in a late piece is found', () => {
  const base64 = randomBytes(3_000_000).toString('base64');
  expect(() => decode(`data:;base64,${base64.slice(0, 3_500_000)}!${base64.slice(3_500_000)}`)).toThrow(/not base64/);
  expect(() => decode(`data:;base64,${base64.slice(0, 1 << 20)}==${base64.slice(1 << 20)}`)).toThrow(/not base64/);
});

test('the limit holds to the byte', () => {
  expect(decode('data:;base64,aGVsbG8=', 5)).toHaveLength(5);
  expect(() => decode('data:;base64,aGVsbG8=', 4)).toThrow(
    expect.objectContaining({ type: 'file_too_large', context: { max_size: 4 } }),
  );
});

test('64 MB take neither seconds nor gigabytes', () => {
  const uri = `data:audio/wav;base64,${Buffer.alloc(48 << 20, 1).toString('base64')}`;
  const memory = process.memoryUsage().rss;
  const start = performance.now();
  let bytes = 0;
  for (const piece of decodeDataUri(uri, purpose)) bytes += piece.length;
  expect(bytes).toBe(48 << 20);
  expect(performance.now() - start).toBeLessThan(1500);
  expect(process.memoryUsage().rss - memory).toBeLessThan(300 << 20);
});
