import { expect, test } from 'vitest';
import { isEndpoint, isKnownApp, isStream, readAppPath, readRequestPath } from './app-path.ts';

const app = '/fal-ai/ltx-2-19b';
const id = `${app}/distilled/audio-to-video/lora`;

function known(path: string) {
  const read = readAppPath(path);
  if (read === undefined) throw new Error(`${path} is no app path`);
  return read;
}

test('owner, alias and the rest', () => {
  expect(known(id)).toEqual({ owner: 'fal-ai', alias: 'ltx-2-19b', subpath: '/distilled/audio-to-video/lora' });
  expect(known(app).subpath).toBe('/');
  expect(readAppPath('/fal-ai')).toBeUndefined();
  expect(readAppPath('//x')).toBeUndefined();
});

test('what is served', () => {
  expect([isKnownApp(known(id)), isEndpoint(known(id)), isStream(known(`${id}/stream`))]).toEqual([true, true, true]);
  expect(isKnownApp(known('/fal-ai/nope'))).toBe(false);
  expect(isEndpoint(known(`${id}/stream`))).toBe(false);
});

test.each([
  ['', 'result'],
  ['/response', 'result'],
  ['/status', 'status'],
  ['/status/stream', 'status/stream'],
  ['/cancel', 'cancel'],
])('requests/R%s', (suffix, action) => {
  for (const base of [app, id]) {
    expect(readRequestPath(known(`${base}/requests/R${suffix}`))).toEqual({ id: 'R', action });
  }
});

test.each(['/requests', '/requests/R/other', '/requests/R/constructor', '/other/requests/R', '/distilled/requests/R'])(
  '%s is nothing',
  (suffix) => {
    expect(readRequestPath(known(`${app}${suffix}`))).toBeUndefined();
  },
);
