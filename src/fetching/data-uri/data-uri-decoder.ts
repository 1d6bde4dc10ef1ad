import { percentDecoded } from './percent-decoding.ts';

/** Longer media types and parameters than any in use. */
const maxHead = 4096;
/** Lengths of the lines that base64 is wrapped into (RFC 1421, RFC 2045). */
const lineLengths = [64, 76];

/** What is wrong with a data URI; the message ends the sentence "it cannot be used: …". */
export class MalformedDataUri extends Error {
  override readonly name = 'MalformedDataUri';
}

export function isDataUri(reference: string): boolean {
  return /^data:/i.test(reference);
}

/**
 * Decodes a data URI (RFC 2397) in pieces, wherever it is cut, as browsers do: escapes and white space within base64
 * and missing padding are accepted, and so is the URL-safe alphabet. Unlike them it refuses what was damaged on the way.
 */
export class DataUriDecoder {
  #head = '';
  #content: ContentDecoder | undefined;

  /** As written, with its parameters; empty where there is none. */
  mediaType = '';

  /** @throws MalformedDataUri */
  write(piece: string): Buffer {
    if (this.#content !== undefined) return this.#content.write(piece);
    this.#head += piece;
    const comma = this.#head.slice(0, maxHead).indexOf(',');
    if (comma < 0) {
      if (this.#head.length >= maxHead) throw withoutComma();
      return Buffer.alloc(0);
    }
    const [, type = '', base64] = /^data:(.*?)(; *base64 *)?$/is.exec(this.#head.slice(0, comma)) ?? [];
    this.mediaType = type;
    this.#content = base64 === undefined ? new PlainDecoder() : new Base64Decoder();
    return this.#content.write(this.#head.slice(comma + 1));
  }

  /** @throws MalformedDataUri */
  end(): Buffer {
    if (this.#content === undefined) throw withoutComma();
    return this.#content.end();
  }
}

interface ContentDecoder {
  write(text: string): Buffer;
  end(): Buffer;
}

/** Percent escapes, and anything else as it stands. */
class PlainDecoder implements ContentDecoder {
  #rest = '';

  write(piece: string): Buffer {
    const [text, rest] = cut(this.#rest + piece);
    this.#rest = rest;
    return text.includes('%') ? percentDecoded(text) : Buffer.from(text);
  }

  end(): Buffer {
    return percentDecoded(this.#rest);
  }
}

class Base64Decoder implements ContentDecoder {
  readonly #spaces = new SpaceWatch();
  /** What a percent escape was cut off from. */
  #escape = '';
  /** Fewer than four characters. */
  #rest = '';
  #padding = '';

  write(piece: string): Buffer {
    const [text, rest] = cut(this.#escape + piece);
    this.#escape = rest;
    return this.#decode(unescaped(text));
  }

  end(): Buffer {
    const last = this.#decode(this.#escape);
    if (this.#spaces.hasLostPluses) throw lostPluses();
    if (this.#padding.length > 2) throw malformed('it ends with more than two =');
    return Buffer.concat([last, decodeBase64(this.#rest)]);
  }

  #decode(content: string): Buffer {
    this.#spaces.write(content);
    const text = this.#padding + this.#rest + withoutSpace(content);
    const unpadded = withoutPadding(text);
    // Padding may only come last: what follows it is put behind it, and then is not base64.
    this.#padding = text.slice(unpadded.length);
    const whole = this.#padding === '' ? unpadded.length - (unpadded.length % 4) : unpadded.length;
    this.#rest = unpadded.slice(whole);
    try {
      return decodeBase64(unpadded.slice(0, whole));
    } catch (error) {
      // What else is wrong is their consequence.
      throw this.#spaces.hasLostPluses ? lostPluses() : error;
    }
  }
}

/**
 * A `+` that went through a form or a query unescaped has become a space. Spaces are white space for base64 only where
 * a line break has become one: every 64 or 76 characters, or beside other white space.
 */
class SpaceWatch {
  /** Of the line so far. */
  #length = 0;
  #last = '';
  /** White space behind it: `other` where it is not just spaces. */
  #space: '' | 'one space' | 'spaces' | 'other' = '';
  #isSuspect = false;
  #lines = lineLengths;
  #isWrapped = false;

  write(content: string): void {
    if (!/\s/.test(content)) {
      this.#add(content);
      return;
    }
    for (const [part, space] of content.matchAll(/(\s+)|\S+/g)) {
      if (space === undefined) this.#add(part);
      else if (this.#length > 0) this.#space = this.#extended(space);
    }
  }

  /** If the content ended here. */
  get hasLostPluses(): boolean {
    return this.#isSuspect && !(this.#isWrapped && this.#lines.some((length) => this.#length <= length));
  }

  #add(part: string): void {
    if (part === '') return;
    if (this.#space !== '') {
      if (this.#space !== 'other' && this.#last !== '=') this.#isSuspect = true;
      const mayBeLine = this.#space === 'one space';
      this.#lines = mayBeLine ? this.#lines.filter((length) => length === this.#length) : [];
      this.#isWrapped = true;
      this.#space = '';
      this.#length = 0;
    }
    this.#length += part.length;
    this.#last = part.slice(-1);
  }

  #extended(space: string): 'one space' | 'spaces' | 'other' {
    if (this.#space === 'other' || !/^ +$/.test(space)) return 'other';
    return this.#space === '' && space === ' ' ? 'one space' : 'spaces';
  }
}

/** What can be decoded by itself, and what was cut: a percent escape, or a pair of surrogates. */
function cut(text: string): readonly [string, string] {
  const percent = text.indexOf('%', Math.max(0, text.length - 2));
  const end = percent >= 0 ? percent : text.length - (isHighSurrogate(text.charCodeAt(text.length - 1)) ? 1 : 0);
  return [text.slice(0, end), text.slice(end)];
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

function unescaped(text: string): string {
  return text.includes('%') ? percentDecoded(text).toString('latin1') : text;
}

function withoutSpace(text: string): string {
  return /\s/.test(text) ? text.replace(/[\t\n\f\r ]+/g, '') : text;
}

function withoutPadding(text: string): string {
  let end = text.length;
  while (text[end - 1] === '=') end--;
  return text.slice(0, end);
}

function decodeBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  // Characters that do not belong there are skipped by the decoder, which shows in the length.
  if (text.length % 4 !== 1 && bytes.length === Math.floor((text.length * 3) / 4)) {
    if (bytes.length % 3 === 0 || endsWithByte(text, bytes)) return bytes;
  }
  const stray = /[^A-Za-z0-9+/_-]/u.exec(text)?.[0];
  if (stray === undefined) throw malformed('it is cut off within a byte: send all of it');
  throw malformed(`it contains ${JSON.stringify(stray)}`);
}

/** Whether the bits of the last character that belong to no byte are zero, as every encoder leaves them. */
function endsWithByte(text: string, bytes: Buffer): boolean {
  const encoded = bytes.subarray(bytes.length - (bytes.length % 3)).toString('base64url');
  const last = text.slice(-1).replace('+', '-').replace('/', '_');
  return encoded.endsWith(last);
}

function lostPluses(): MalformedDataUri {
  return new MalformedDataUri(
    'its data URI has spaces where base64 has +, as after a form or a query: write each + as %2B there, or send JSON',
  );
}

function withoutComma(): MalformedDataUri {
  return new MalformedDataUri('its data URI has no comma: write data:TYPE;base64,CONTENT');
}

function malformed(reason: string): MalformedDataUri {
  return new MalformedDataUri(`the content of its data URI is not base64: ${reason}`);
}
