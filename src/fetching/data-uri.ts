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
 * padding are accepted, and so is the URL-safe alphabet.
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
  let rest = '';
  let padding = '';
  for (const piece of cut(uri, from)) {
    const text = padding + rest + withoutSpace(piece.includes('%') ? percentDecoded(piece).toString('latin1') : piece);
    const content = text.replace(/=+$/, '');
    // Padding may only come last: what follows it is put behind it, and then is not base64.
    padding = text.slice(content.length);
    const whole = padding === '' ? content.length - (content.length % 4) : content.length;
    rest = content.slice(whole);
    yield decodeBase64(content.slice(0, whole), purpose);
  }
  if (padding.length > 2) throw malformed(purpose);
  yield decodeBase64(rest, purpose);
}

function withoutSpace(text: string): string {
  return /\s/.test(text) ? text.replace(/[\t\n\f\r ]+/g, '') : text;
}

function decodeBase64(text: string, purpose: Purpose): Buffer {
  const bytes = Buffer.from(text, 'base64');
  // Characters that do not belong there are skipped by the decoder, which shows in the length.
  const complete = text.length % 4 !== 1 && bytes.length === Math.floor((text.length * 3) / 4);
  if (!complete) throw malformed(purpose);
  return bytes;
}

function malformed(purpose: Purpose): Error {
  return downloadError(purpose, 'the content of its data URI is not base64');
}
