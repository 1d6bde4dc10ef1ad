import { expect, test } from 'vitest';
import { locate } from './origins.ts';

const id = '/fal-ai/ltx-2-19b/distilled/audio-to-video/lora';
const app = '/fal-ai/ltx-2-19b';

test.each([
  ['fal.run', id, 'run', id],
  ['queue.fal.run', id, 'queue', id],
  ['rest.fal.ai', '/tokens/', 'rest', '/tokens'],
  ['rest.alpha.fal.ai', '/storage/upload/initiate', 'rest', '/storage/upload/initiate'],
  ['v3.fal.media', '/files/upload', 'cdn', '/files/upload'],
  ['fal.media', '/files/upload', 'cdn', '/files/upload'],
  ['v3b.fal.media', '/files/b/ab/x_y.mp4', 'cdn', '/files/b/ab/x_y.mp4'],
  ['fal.ai', `/models${id}/llms.txt`, 'site', `/models${id}/llms.txt`],
  ['api.fal.ai', '/v1/models', 'platform', '/v1/models'],
])('host %s decides for %s', (host, given, origin, path) => {
  expect(locate(host, given)).toEqual({ origin, path });
});

test.each([
  [`/run${id}`, 'run', id],
  [`/queue${id}/`, 'queue', id],
  [`/queue${app}/requests/R/status/`, 'queue', `${app}/requests/R/status`],
  ['/rest/tokens/', 'rest', '/tokens'],
  ['/cdn/files/upload', 'cdn', '/files/upload'],
  ['/queue', 'queue', '/'],
  ['/queue///', 'queue', '/'],
])('a prefix decides for %s', (given, origin, path) => {
  expect(locate('localhost', given)).toEqual({ origin, path });
});

test.each([
  [id, 'run', id],
  [`${id}/`, 'run', id],
  [`${app}/requests/R`, 'queue', `${app}/requests/R`],
  [`${app}/requests/R/status/stream/`, 'queue', `${app}/requests/R/status/stream`],
  [`${id}/requests/R/cancel`, 'queue', `${id}/requests/R/cancel`],
  ['/clips/R/', 'own', '/clips/R'],
  ['/storage/auth/token', 'rest', '/storage/auth/token'],
  ['/tokens/realtime', 'rest', '/tokens/realtime'],
  ['/.well-known/jwks.json', 'rest', '/.well-known/jwks.json'],
  ['/requests/delete_io/R', 'rest', '/requests/delete_io/R'],
  ['/files/b/ab/x_y.mp4', 'cdn', '/files/b/ab/x_y.mp4'],
  ['/files/b/ab/x_y.mp4/', 'cdn', '/files/b/ab/x_y.mp4/'],
  ['/api/openapi/queue/openapi.json', 'site', '/api/openapi/queue/openapi.json'],
  ['/v1/models/pricing', 'platform', '/v1/models/pricing'],
  ['/fal/proxy', 'proxy', '/fal/proxy'],
  ['/api/fal/proxy/', 'proxy', '/api/fal/proxy'],
  ['/', 'own', '/'],
  ['/health', 'own', '/health'],
  ['/metrics/', 'own', '/metrics'],
  ['/runner/x', 'run', '/runner/x'],
])('the path itself says what %s is', (given, origin, path) => {
  expect(locate('localhost', given)).toEqual({ origin, path });
});

test('queue.<our host> tells the queue from a direct run', () => {
  expect(locate('queue.localhost', id)).toEqual({ origin: 'queue', path: id });
  expect(locate('queue.localhost', '/health')).toEqual({ origin: 'own', path: '/health' });
});

test.each([
  ['queue.localhost', `/run${id}`, 'queue', id],
  ['queue.clips.example.com', `/run${app}/requests/R/status`, 'queue', `${app}/requests/R/status`],
  ['queue.localhost', `/queue${id}`, 'queue', id],
  ['queue.localhost', '/rest/tokens', 'rest', '/tokens'],
  ['queue.localhost', '/cdn/files/upload', 'cdn', '/files/upload'],
  ['queuelocalhost', `/run${id}`, 'run', id],
])('the queue host that a client makes of FAL_RUN_HOST, its path included: %s%s', (host, given, origin, path) => {
  expect(locate(host, given)).toEqual({ origin, path });
});

test.each(['constructor', '__proto__', 'toString'])('host %s is nothing special', (host) => {
  expect(locate(host, '/health')).toEqual({ origin: 'own', path: '/health' });
});

test('a hostile path takes no time', () => {
  const started = performance.now();
  locate('localhost', `/${'a/'.repeat(100_000)}`);
  locate('localhost', '/'.repeat(200_000));
  expect(performance.now() - started).toBeLessThan(500);
});
