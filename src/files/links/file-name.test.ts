import { expect, test } from 'vitest';
import { isShownInline, safeContentType } from '../content-type.ts';
import { contentDisposition, safeFileName, urlFileName } from './file-name.ts';

test.each([
  ['clip.mp4', 'clip.mp4'],
  ['../../etc/passwd', '_.._etc_passwd'],
  ['..\\..\\boot.ini', '_.._boot.ini'],
  ['C:\\Users\\me\\a.wav', 'C__Users_me_a.wav'],
  ['.htaccess', 'htaccess'],
  ['a\r\nSet-Cookie: x=1', 'aSet-Cookie_ x=1'],
  ['a\0b', 'ab'],
  ['gpj.\u202eexe', 'gpj.exe'],
  ['  name.  ', 'name'],
  ['', 'file'],
  ['...', 'file'],
  ['\u200b\u0007', 'file'],
  ['\ud800.mp3', '\ufffd.mp3'],
  ['été 日本.mp3', 'été 日本.mp3'],
])('%j is kept as %j', (given, kept) => {
  expect(safeFileName(given)).toBe(kept);
});

test('a long name keeps its extension and whole characters', () => {
  const name = safeFileName(`${'日'.repeat(500)}.wav`);
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(120);
  expect(name).toMatch(/^日+\.wav$/);
  expect(Buffer.byteLength(safeFileName(`a.${'x'.repeat(500)}`))).toBe(120);
});

test.each([
  ['clip.mp4', 'clip.mp4'],
  ['été 日本.mp3', 'ete_.mp3'],
  ['a%2e%2e?b#c&d.mp4', 'a_2e_2e_b_c_d.mp4'],
])('%j is %j in a URL', (name, inUrl) => {
  expect(urlFileName(name)).toBe(inUrl);
  expect(encodeURIComponent(inUrl)).toBe(inUrl);
});

test('Content-Disposition quotes nothing away and escapes the rest', () => {
  expect(contentDisposition('inline', 'clip.mp4')).toBe('inline; filename="clip.mp4"');
  expect(contentDisposition('attachment', `a"b\\c%.txt`)).toBe(
    `attachment; filename="a_b_c_.txt"; filename*=UTF-8''a%22b%5Cc%25.txt`,
  );
  expect(contentDisposition('inline', `é(1)'.mp3`)).toBe(
    `inline; filename="e(1)'.mp3"; filename*=UTF-8''%C3%A9%281%29%27.mp3`,
  );
});

test.each([
  ['audio/mpeg', 'audio/mpeg'],
  ['Text/HTML; charset=UTF-8', 'text/html; charset=UTF-8'],
  ['', 'application/octet-stream'],
  [undefined, 'application/octet-stream'],
  ['nonsense', 'application/octet-stream'],
  ['text/html\r\nx: y', 'application/octet-stream'],
  ['image/png; x=é', 'image/png'],
  [`a/${'b'.repeat(300)}`, 'application/octet-stream'],
  // To a browser a comma begins another type, and the last one counts.
  ['image/png; a=b, text/html', 'image/png'],
  ['image/png; charset=x, text/html', 'image/png'],
  ['image/png;charset="x", text/html', 'image/png'],
  ['image/png, text/html', 'application/octet-stream'],
  ['image/png; charset=utf-8; a=", text/html;"', 'image/png'],
  ['text/plain;charset=utf-8', 'text/plain; charset=utf-8'],
  ['multipart/x-mixed-replace; boundary=x', 'application/octet-stream'],
  ['message/rfc822', 'application/octet-stream'],
])('content type %j becomes %j', (given, kept) => {
  expect(safeContentType(given)).toBe(kept);
});

test('only what runs nothing is shown inline', () => {
  for (const type of ['image/png', 'audio/mpeg', 'video/mp4', 'text/plain; charset=utf-8'])
    expect(isShownInline(type)).toBe(true);
  for (const type of [
    'text/html',
    'image/svg+xml',
    'application/xhtml+xml',
    'text/javascript',
    'application/octet-stream',
    'application/json',
    'application/pdf',
    'text/plainly',
    'imagery/png',
    'image/svg+xml; charset=utf-8',
  ]) {
    expect(isShownInline(type)).toBe(false);
  }
});
