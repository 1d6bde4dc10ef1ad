import { expect, test } from 'vitest';
import { type Arrival, basesOf, ownHostsOf, sharedFileBaseOf } from './bases.ts';

function arrival(url: string, headers: Record<string, string> = {}, more: Partial<Arrival> = {}): Arrival {
  return { url: new URL(url), headers: new Headers(headers), ...more };
}

test('a plain caller gets prefixes on the address it named', () => {
  expect(basesOf(arrival('http://localhost:8000/x'))).toEqual({
    run: 'http://localhost:8000/run',
    queue: 'http://localhost:8000/queue',
    rest: 'http://localhost:8000/rest',
    cdn: 'http://localhost:8000/cdn',
    site: 'http://localhost:8000',
  });
});

test('queue.<host> goes on being used', () => {
  const bases = basesOf(arrival('https://queue.localhost:8000/x'));
  expect(bases.queue).toBe('https://queue.localhost:8000');
  expect(bases.cdn).toBe('https://localhost:8000/cdn');
});

test('a tunnelled caller goes on with the platform names', () => {
  expect(basesOf(arrival('https://queue.fal.run/x'))).toEqual({
    run: 'https://fal.run',
    queue: 'https://queue.fal.run',
    rest: 'https://rest.fal.ai',
    cdn: 'https://v3.fal.media',
    site: 'https://fal.ai',
  });
  expect(basesOf(arrival('http://fal.run:8000/x')).queue).toBe('http://queue.fal.run:8000');
});

test('a tunnelled caller of a server with a public URL gets links to files that lead there from anywhere', () => {
  const bases = basesOf(arrival('https://queue.fal.run/x', {}, { publicUrl: 'https://b.example/clips' }));
  expect(bases).toMatchObject({ queue: 'https://queue.fal.run', cdn: 'https://b.example/clips/cdn' });
});

test('on the proxy route only file transfers come to us directly', () => {
  const target = new URL('https://queue.fal.run/x');
  const bases = basesOf(arrival('http://localhost:8000/fal/proxy', {}, { target }));
  expect(bases).toMatchObject({ queue: 'https://queue.fal.run', cdn: 'http://localhost:8000/cdn' });
});

test('a reverse proxy says how the caller reached it', () => {
  const headers = { 'x-forwarded-host': 'clips.example, inner', 'x-forwarded-proto': 'https, http' };
  expect(basesOf(arrival('http://10.0.0.1:8000/x', headers)).queue).toBe('https://clips.example/queue');
  expect(basesOf(arrival('http://clips.example/x', { 'x-forwarded-proto': 'https' })).cdn).toBe(
    'https://clips.example/cdn',
  );
});

test('the public URL wins, its path included', () => {
  const given = arrival('http://10.0.0.1/x', { 'x-forwarded-host': 'a' }, { publicUrl: 'https://b.example/clips/' });
  expect(basesOf(given)).toMatchObject({ run: 'https://b.example/clips/run', site: 'https://b.example/clips' });
});

test.each(['a/b', 'a b', 'user@a', 'a\\b', '"><script>', '[', 'a?b', 'a#b'])(
  'a forwarded host like %s is not used',
  (host) => {
    const { queue } = basesOf(arrival('http://localhost:1/x', { 'x-forwarded-host': host }));
    expect(queue).toBe('http://localhost:1/queue');
  },
);

test('own hosts are the local ends of the connection too, under every name that this machine has for itself', () => {
  const hosts = (localAddress: string): readonly string[] =>
    ownHostsOf(arrival('https://queue.fal.run/x', {}, { socket: { localAddress, localPort: 8000 } }));
  const loopback = ['queue.fal.run', '127.0.0.1:8000', 'localhost:8000', '[::1]:8000'];
  expect(hosts('127.0.0.1')).toEqual(loopback);
  expect(hosts('::ffff:127.0.0.1')).toEqual(loopback);
  expect(hosts('192.0.2.7')).toEqual(['queue.fal.run', '192.0.2.7:8000']);
  expect(hosts('2001:db8::7')).toEqual(['queue.fal.run', '[2001:db8::7]:8000']);
});

test('receivers of webhooks are given links that lead here, whatever names the caller uses', () => {
  const socket = { localAddress: '192.0.2.7', localPort: 8000 };
  const base = (url: string, more: Partial<Arrival> = {}): string =>
    sharedFileBaseOf(arrival(url, {}, { socket, ...more }));
  expect(base('https://queue.fal.run/x')).toBe('http://192.0.2.7:8000/cdn');
  expect(base('https://queue.fal.run/x', { publicUrl: 'https://b.example' })).toBe('https://b.example/cdn');
  expect(base('http://localhost:8000/x')).toBe('http://localhost:8000/cdn');
  expect(base('https://queue.fal.run/x', { socket: undefined })).toBe('https://v3.fal.media');
});

test('own hosts are all names the caller may use', () => {
  const given = arrival('http://10.0.0.1:1/x', { 'x-forwarded-host': 'a' }, { publicUrl: 'https://b/' });
  expect(ownHostsOf(given)).toEqual(['10.0.0.1:1', 'a', 'b']);
});
