import { downloadError, type Purpose, tooLarge } from './download-error.ts';
import { percentDecoded } from './percent-decoding.ts';

export function isDataUri(reference: string): boolean {
  return /^data:/i.test(reference);
}

/** Characters decoded at a time; a multiple of four, so that base64 can be cut there. */
const PIECE = 1 << 20;
/** Longer media types and parameters than any in use. */
const LONGEST_HEAD = 4096;

/**
 * Decodes a data URI (RFC 2397) piece by piece, as browsers do: escapes and white space within base64 and missing
 * padding are accepted, and so is the URL-safe alphabet. Unlike them it refuses what was damaged on the way.
 *
 * @throws SoundstageError `input` of type `file_download_error` or `file_too_large`, while it is read
 */
export function* decodeDataUri(uri: string, purpose: Purpose): Generator<Buffer, void, void> {
  const comma = uri.slice(0, LONGEST_HEAD).indexOf(',');
  if (comma < 0) throw downloadError(purpose, 'its data URI has no comma: write data:TYPE;base64,CONTENT');
  const isBase64 = /; *base64 *$/i.test(uri.slice(0, comma));
  let bytes = 0;
  for (const piece of isBase64 ? base64Pieces(uri, comma + 1, purpose) : plainPieces(uri, comma + 1)) {
    bytes += piece.length;
    if (bytes > purpose.maxBytes) throw tooLarge(purpose);
    yield piece;
  }
}

/** Cuts the text behind `from`, but not inside a percent escape or a pair of surrogates. */
function* cut(uri: string, from: number): Generator<string, void, void> {
  for (let start = from; start < uri.length; ) {
    let end = Math.min(uri.length, start + PIECE);
    if (end < uri.length) {
      const opened = uri.slice(end - 2, end).indexOf('%');
      if (opened >= 0) end += opened - 2;
      else if (isHighSurrogate(uri.charCodeAt(end - 1))) end--;
    }
    yield uri.slice(start, end);
    start = end;
  }
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

function* plainPieces(uri: string, from: number): Generator<Buffer, void, void> {
  for (const text of cut(uri, from)) yield text.includes('%') ? percentDecoded(text) : Buffer.from(text);
}

function* base64Pieces(uri: string, from: number, purpose: Purpose): Generator<Buffer, void, void> {
  refuseLostPluses(uri, from, purpose);
  let rest = '';
  let padding = '';
  for (const piece of cut(uri, from)) {
    const text = padding + rest + withoutSpace(unescaped(piece));
    const content = text.replace(/=+$/, '');
    // Padding may only come last: what follows it is put behind it, and then is not base64.
    padding = text.slice(content.length);
    const whole = padding === '' ? content.length - (content.length % 4) : content.length;
    rest = content.slice(whole);
    yield decodeBase64(content.slice(0, whole), purpose);
  }
  if (padding.length > 2) throw malformed(purpose, 'it ends with more than two =');
  yield decodeBase64(rest, purpose);
}

/** Lengths of the lines that base64 is wrapped into (RFC 1421, RFC 2045). */
const LINES = [64, 76];

/**
 * A `+` that went through a form or a query unescaped has become a space. Spaces are white space for base64 only where
 * a line break has become one: every 64 or 76 characters, or beside other white space.
 */
function refuseLostPluses(uri: string, from: number, purpose: Purpose): void {
  const rest = uri.slice(from);
  if (!/ |%20/.test(rest)) return;
  const content = unescaped(rest).trim();
  if (!/[^\s=] +\S/.test(content) || LINES.some((length) => isWrapped(content, length))) return;
  throw downloadError(
    purpose,
    'its data URI has spaces where base64 has +, as after a form or a query: write each + as %2B there, or send JSON',
  );
}

function isWrapped(content: string, lineLength: number): boolean {
  let start = 0;
  while (content.indexOf(' ', start) === start + lineLength) start += lineLength + 1;
  return start > 0 && content.length <= start + lineLength && !/\s/.test(content.slice(start));
}

function unescaped(text: string): string {
  return text.includes('%') ? percentDecoded(text).toString('latin1') : text;
}

function withoutSpace(text: string): string {
  return /\s/.test(text) ? text.replace(/[\t\n\f\r ]+/g, '') : text;
}

function decodeBase64(text: string, purpose: Purpose): Buffer {
  const bytes = Buffer.from(text, 'base64');
  // Characters that do not belong there are skipped by the decoder, which shows in the length.
  if (text.length % 4 !== 1 && bytes.length === Math.floor((text.length * 3) / 4)) {
    if (bytes.length % 3 === 0 || endsWithByte(text, bytes)) return bytes;
  }
  const stray = /[^A-Za-z0-9+/_-]/u.exec(text)?.[0];
  if (stray === undefined) throw malformed(purpose, 'it is cut off within a byte: send all of it');
  throw malformed(purpose, `it contains ${JSON.stringify(stray)}`);
}

/** Whether the bits of the last character that belong to no byte are zero, as every encoder leaves them. */
function endsWithByte(text: string, bytes: Buffer): boolean {
  const encoded = bytes.subarray(bytes.length - (bytes.length % 3)).toString('base64url');
  const last = text.slice(-1).replace('+', '-').replace('/', '_');
  return encoded.endsWith(last);
}

function malformed(purpose: Purpose, reason: string): Error {
  return downloadError(purpose, `the content of its data URI is not base64: ${reason}`);
}
