import { expect, test } from 'vitest';
import { fileIdOf, filePath, lookupFileUrl } from './file-url.ts';

const id = `ab${'0'.repeat(30)}`;
const path = filePath({ id, name: 'my clip.mp4' });
const hosts = ['localhost:8000', 'clips.example.com'];

test('the path of a file', () => {
  expect(path).toBe(`/files/b/ab/${id}_my_clip.mp4`);
});

test.each([
  `http://localhost:8000${path}`,
  `http://localhost:8000/cdn${path}`,
  `http://LOCALHOST:8000${path}?identity=x#y`,
  `https://clips.example.com/behind/a/prefix/cdn${path}`,
  `https://clips.example.com:443${path}`,
  `https://v3.fal.media${path}`,
  `https://v3b.fal.media${path}`,
  `https://fal.media${path}`,
  `http://localhost:8000/files/b/ab/${id}`,
  `http://localhost:8000/files/b/ab/${id}_another-name.mp4`,
])('%s is ours', (url) => {
  expect(lookupFileUrl(url, hosts)).toBe(id);
});

test.each([
  `http://localhost:8001${path}`,
  `http://localhost${path}`,
  `http://example.com${path}`,
  `http://localhost:8000.example.com${path}`,
  `http://v3.fal.media.example.com${path}`,
  `http://localhost:8000@example.com${path}`,
  `https://v3.fal.media:444${path}`,
  `https://v4.fal.media${path}`,
  `file://localhost:8000${path}`,
  `http://localhost:8000/files/b/cd/${id}_x`,
  `http://localhost:8000/files/b/ab/${id.toUpperCase()}_x`,
  `http://localhost:8000/files/b/ab/${id}x`,
  `http://localhost:8000/files/b/ab/${id}_x/more`,
  `http://localhost:8000/?${path}`,
  'https://v3.fal.media/files/b/0a8b/Xq3pTZ_clip.mp4',
  'nonsense',
  '',
])('%s is not', (url) => {
  expect(lookupFileUrl(url, hosts)).toBeUndefined();
});

test('a default port may be spelled out on our side', () => {
  expect(lookupFileUrl(`http://a.example${path}`, ['a.example:80'])).toBe(id);
  expect(lookupFileUrl(`https://a.example${path}`, ['a.example:443'])).toBe(id);
  expect(lookupFileUrl(`https://a.example${path}`, ['a.example:80'])).toBeUndefined();
});

test('the id decides, and nothing but an id passes', () => {
  expect(fileIdOf('ab', id)).toBe(id);
  for (const segment of ['..', '../x', `${id}/..`, `${id}.mp4`, id.slice(1), ''])
    expect(fileIdOf('ab', segment)).toBeUndefined();
  expect(fileIdOf('', id)).toBeUndefined();
  expect(fileIdOf('a', id)).toBeUndefined();
  expect(fileIdOf(id, id)).toBeUndefined();
});
