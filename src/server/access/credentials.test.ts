import { expect, test } from 'vitest';
import { readCredentials } from './credentials.ts';

test.each([
  ['Key id:secret', { kind: 'key', id: 'id', secret: 'secret' }],
  ['key  id:se:cret', { kind: 'key', id: 'id', secret: 'se:cret' }],
  ['Key id:secret, Bearer zz', { kind: 'key', id: 'id', secret: 'secret' }],
  ['Bearer abc.def', { kind: 'bearer', token: 'abc.def' }],
  ['', { kind: 'none' }],
  ['  ', { kind: 'none' }],
])('%s', (header, expected) => {
  expect(readCredentials(header)).toEqual(expected);
});

test.each(['Key abc', 'Key undefined', 'Key', 'Key :secret', 'Key id:', 'Basic aWQ6c2VjcmV0', 'Bearer', 'id:secret'])(
  '%s is malformed',
  (header) => {
    expect(readCredentials(header).kind).toBe('malformed');
  },
);

test('a header wins over the token in the query', () => {
  expect(readCredentials(undefined, 'abc')).toEqual({ kind: 'bearer', token: 'abc' });
  expect(readCredentials('Key id:secret', 'abc').kind).toBe('key');
});

test('a hostile header takes no time', () => {
  const started = performance.now();
  readCredentials(`Key ${' '.repeat(100_000)}x`);
  expect(performance.now() - started).toBeLessThan(200);
});
