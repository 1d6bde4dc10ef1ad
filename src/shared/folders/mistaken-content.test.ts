import { describe, expect, test } from 'vitest';
import { mayBeMistaken, mistakenContent, telltaleBytes } from './mistaken-content.ts';

describe('what a server sends in place of a file is named', () => {
  test.each([
    ['<!DOCTYPE html><html><head><title>Sign in - Google Accounts</title>', 'a web page ("Sign in - Google Accounts")'],
    [
      '<!doctype html>\n<!-- saved from url=(0024)https://drive.example/ -->\n<TITLE\nlang="en">\n Log\n in\n</TITLE>',
      'a web page ("Log in")',
    ],
    ['\ufeff \r\n<html lang="en"><body>Just a moment...</body></html>', 'a web page (without a title)'],
    ['<html><head><title></title></head><body><h1>404 Not Found</h1>', 'a web page ("404 Not Found")'],
    [
      '<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x"><html>',
      'a web page (without a title)',
    ],
    ['<!-- a -- comment ><title>no</title> --><body><p>hello', 'a web page (without a title)'],
    [
      '<title>Tom &amp; Jerry &#8211; &#x201C;Caf&eacute;&quot; &#99999999;</title>',
      'a web page ("Tom & Jerry – “Caf&eacute;" &#99999999;")',
    ],
    ['<main class="error"><h1>Link expired</h1></main>', 'a web page ("Link expired")'],
    [`<title>${'x'.repeat(500)}</title>`, `a web page ("${'x'.repeat(80)}…")`],
    ['<title>two\u0000\nlines\u202e</title>', 'a web page ("two lines")'],
    [`<!DOCTYPE html>${'<script></script>'.repeat(9000)}<title>far away</title>`, 'a web page (without a title)'],
    [
      '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>',
      'an XML document ("AccessDenied: Request has expired")',
    ],
    ['<?xml version="1.0"?><rss version="2.0"><channel>', 'an XML document ("rss")'],
    ['{"error": "file not found"}', 'a JSON document ("file not found")'],
    ['{"code": 5,\n "detail": "Not authenticated"}', 'a JSON document ("Not authenticated")'],
    ['[{"AccessKeyId": "secret"}]', 'a JSON document'],
    ['version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12\n', 'a pointer to a large file'],
  ])('%s', (text, expected) => {
    // A NUL is no text: it stands for what a quoted title may contain beyond the first bytes.
    const content = text.includes('\0') ? `<html>${' '.repeat(600)}${text}` : text;
    expect(mistakenContent(Buffer.from(content))).toBe(expected);
    expect(mayBeMistaken(Buffer.from(content.padEnd(16)))).toBe(true);
  });

  test('with the host that sent it', () => {
    const page = Buffer.from('<html><title>Sign in</title>');
    expect(mistakenContent(page, 'drive.example')).toBe('a web page ("Sign in", from drive.example)');
    expect(mistakenContent(Buffer.from('<html>'), 'a.example:8080')).toBe('a web page (from a.example:8080)');
    expect(mistakenContent(Buffer.from('{}'), 'a.example')).toBe('a JSON document (from a.example)');
  });

  test('in other encodings', () => {
    const utf16 = Buffer.from('\ufeff<html><title>Anmelden – Größe</title>', 'utf16le');
    expect(mistakenContent(utf16)).toBe('a web page ("Anmelden – Größe")');
    expect(mistakenContent(utf16.swap16())).toBe('a web page ("Anmelden – Größe")');
    expect(mistakenContent(Buffer.from('<html><title>Gr\u00f6\u00dfe', 'latin1'))).toContain('a web page ("Gr');
  });
});

test.each([
  ['nothing', ''],
  ['an SVG drawing', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
  [
    'an SVG drawing with everything before it',
    '<?xml version="1.0"?><!-- Generator: x --><!DOCTYPE svg PUBLIC "x" "y"><svg>',
  ],
  ['a WAV', 'RIFF\u0024\0\0\0WAVEfmt '],
  ['safetensors whose header has 60 bytes', '<\0\0\0\0\0\0\0{"__metadata__":{}}'],
  ['safetensors whose header has 123 bytes', '{\0\0\0\0\0\0\0{"__metadata__":{}}'],
  ['plain text', 'This is not a sound at all.'],
  ['a smaller than sign', '< 3'],
])('%s is not mistaken for a page', (_, content) => expect(mistakenContent(Buffer.from(content))).toBeUndefined());

test('hostile markup costs no time', () => {
  const started = performance.now();
  for (const text of ['<!--', '<?', '<title', '<title>&#', '<h1 ', ' \n', '"error":"', '<!-- -->', '<!-- -', '&#x1;']) {
    for (const before of ['', '<html>', '{"a":1,']) {
      mistakenContent(Buffer.from(before + text.repeat(Math.ceil(telltaleBytes / text.length))));
    }
  }
  expect(performance.now() - started).toBeLessThan(1500);
});
