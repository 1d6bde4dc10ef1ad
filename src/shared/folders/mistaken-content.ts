/** So many bytes of a file are enough for `mistakenContent`. */
export const telltaleBytes = 65_536;

const maxQuoted = 80;
/** What may stand before the first tag that says something. */
const prologue = /^(?:\s|<\?(?:[^?]|\?(?!>))*\?>|<!--(?:[^-]|-(?!->))*-->)*/;
/** As browsers tell a page from other text (WHATWG MIME sniffing), and a few more tags that pages begin with. */
const pageTag =
  /^<(?:!doctype\b|(?:html|head|body|script|iframe|style|title|meta|link|base|h[1-6]|div|span|p|a|b|br|font|center|table|form|noscript|main|section|article|header|footer|nav|img|pre|ul|ol|button)(?=[\s>/]))/i;

/**
 * Says what a file is that somebody gave in place of a recording, a picture or weights: what a server sends where the
 * address leads to a page, a login or a refusal, or where the content lies elsewhere. Words to follow "it is", e.g.
 * `a web page ("Sign in", from drive.example)`; undefined for anything else.
 *
 * @param start the first bytes, `telltaleBytes` of them where there are so many
 * @param from the host that sent it
 */
export function mistakenContent(start: Uint8Array, from?: string): string | undefined {
  const text = decoded(start);
  if (text === undefined) return undefined;
  if (text.startsWith('version https://git-lfs')) return `a pointer to a large file${details(undefined, from)}`;
  const content = text.replace(prologue, '');
  if (pageTag.test(content) && !/^<!doctype\s+svg/i.test(content)) {
    return `a web page${details(inElement(content, 'title') ?? inElement(content, 'h1'), from) || ' (without a title)'}`;
  }
  if (/^<[a-z]/i.test(content)) return /^<svg[\s>]/i.test(content) ? undefined : xml(content, from);
  return /^[{[]\s*["{[\]}\d]/.test(content) ? `a JSON document${details(complaint(content), from)}` : undefined;
}

/** Whether a file that begins so, with at least 16 bytes, may turn out to be what `mistakenContent` knows. */
export function mayBeMistaken(start: Uint8Array): boolean {
  return /^\s*(?:$|[<{[]|version )/.test(decoded(start) ?? '-');
}

/** Undefined for what is no text. */
function decoded(bytes: Uint8Array): string | undefined {
  const mark = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
  const encoding = mark === 0xfffe ? 'utf-16le' : mark === 0xfeff ? 'utf-16be' : 'utf-8';
  const text = new TextDecoder(encoding).decode(bytes.subarray(0, telltaleBytes));
  return text.slice(0, 512).includes('\0') ? undefined : text;
}

/** Stores say so why they refuse: `<Error><Code>AccessDenied</Code><Message>…`. */
function xml(content: string, from: string | undefined): string {
  const told = [inElement(content, 'code'), inElement(content, 'message')].filter((part) => part !== undefined);
  const root = /^<[^\s>/]+/.exec(content)?.[0].slice(1);
  return `an XML document${details(told.length === 0 ? root : told.join(': '), from)}`;
}

/** What a JSON reply says went wrong. Nothing else of it is repeated: it may be meant for the server alone. */
function complaint(json: string): string | undefined {
  return /"(?:error|message|msg|detail|error_description)"\s*:\s*"([^"\\]+)"/.exec(json)?.[1];
}

function inElement(markup: string, name: string): string | undefined {
  const found = new RegExp(`<${name}(?:\\s[^>]{0,300})?>([^<]*)`, 'i').exec(markup)?.[1]?.trim();
  return found === undefined || found === '' ? undefined : found.replace(/&(#?\w+);/g, character);
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

function character(entity: string, name: string): string {
  const [, hexadecimal, decimal] = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name) ?? [];
  const code = hexadecimal === undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16);
  if (code <= 0x10ffff) return String.fromCodePoint(code);
  return entities[name] ?? entity;
}

function details(quoted: string | undefined, from: string | undefined): string {
  const line = quoted?.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim();
  const shown = line !== undefined && line.length > maxQuoted ? `${line.slice(0, maxQuoted)}…` : line;
  const parts = [shown && `"${shown.toWellFormed()}"`, from && `from ${from}`].filter(Boolean);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}
