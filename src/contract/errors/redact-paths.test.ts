import { expect, test } from 'vitest';
import { redactPaths } from './redact-paths.ts';

test.each([
  ['weight file /home/John Doe/.cache/x.safetensors does not exist', 'weight file [path] does not exist'],
  ['/tmp/a/b.safetensors cannot be used as a LoRA: a.b.c', '[path] cannot be used as a LoRA: a.b.c'],
  ['C:\\Users\\a b\\x.bin is bad', '[path] is bad'],
  ['cannot open "/a/b c/d": no', 'cannot open "[path]": no'],
  ['see file:///etc/passwd.', 'see [path].'],
  ['the disk of /var/lib has 2 GB free', 'the disk of [path] has 2 GB free'],
  ["ENOENT: no such file, open '/srv/data/files/ab'", "ENOENT: no such file, open '[path]'"],
  ['use `/x`, (/y/z)', 'use `[path]`, ([path])'],
])('%s', (message, expected) => {
  expect(redactPaths(message)).toBe(expected);
});

test.each([
  'https://example.com/a/b.mp3 answered 404',
  'fetching (https://example.com/a) failed',
  'and/or 1 / 2',
  'owner/repo has no file weights/a.safetensors',
  'The image is 20000×20000: use image/png',
])('%s stays as it is', (message) => {
  expect(redactPaths(message)).toBe(message);
});
