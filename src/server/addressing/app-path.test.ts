import { expect, test } from 'vitest';
import { audioToVideo } from '../../contract/endpoints/audio-to-video.ts';
import { audioToVideoLora } from '../../contract/endpoints/audio-to-video-lora.ts';
import { servedEndpoints } from '../../contract/endpoints/served-endpoints.ts';
import { isKnownApp, readAppPath, readEndpointPath, readRequestPath } from './app-path.ts';

const app = '/fal-ai/ltx-2-19b';
const shorter = `${app}/distilled/audio-to-video`;
const id = `${shorter}/lora`;

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
  expect(isKnownApp(known(id), servedEndpoints)).toBe(true);
  expect(isKnownApp(known('/fal-ai/nope'), servedEndpoints)).toBe(false);
});

test.each([
  [id, audioToVideoLora, ''],
  [`${id}/stream`, audioToVideoLora, '/stream'],
  [shorter, audioToVideo, ''],
  [`${shorter}/stream`, audioToVideo, '/stream'],
  [`${shorter}/lorax`, audioToVideo, '/lorax'],
])('%s names the endpoint with the longest id', (path, endpoint, below) => {
  expect(readEndpointPath(known(path), servedEndpoints)).toEqual({ endpoint, below });
});

test.each([app, `${app}/distilled`, `${shorter}s`, '/fal-ai/nope/distilled/audio-to-video'])(
  '%s names none',
  (path) => {
    expect(readEndpointPath(known(path), servedEndpoints)).toBeUndefined();
  },
);

test.each([
  ['', 'result'],
  ['/response', 'result'],
  ['/status', 'status'],
  ['/status/stream', 'status/stream'],
  ['/cancel', 'cancel'],
])('requests/R%s', (suffix, action) => {
  for (const base of [app, id, shorter]) {
    expect(readRequestPath(known(`${base}/requests/R${suffix}`), servedEndpoints)).toEqual({ id: 'R', action });
  }
});

test.each(['/requests', '/requests/R/other', '/requests/R/constructor', '/other/requests/R', '/distilled/requests/R'])(
  '%s is nothing',
  (suffix) => {
    expect(readRequestPath(known(`${app}${suffix}`), servedEndpoints)).toBeUndefined();
  },
);
