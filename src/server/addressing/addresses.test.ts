import { expect, test } from 'vitest';
import { isLoopback, urlHost } from './addresses.ts';

test.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1', 'localhost', 'a.localhost'])('%s is here', (host) => {
  expect(isLoopback(host)).toBe(true);
});

test.each(['0.0.0.0', '::', '10.0.0.1', '192.168.1.2', 'example.com', 'localhost.example.com'])('%s is not', (host) => {
  expect(isLoopback(host)).toBe(false);
});

test('in URLs', () => {
  expect(['0.0.0.0', '::', '::1', '127.0.0.1', 'a.example'].map(urlHost)).toEqual([
    'localhost',
    'localhost',
    '[::1]',
    '127.0.0.1',
    'a.example',
  ]);
});
