/** Bytes; leaves room for an id in front of it on every file system and in every log line. */
const maxNameLength = 120;
const maxExtensionLength = 16;

// Control and format characters, among them the ones that reverse the order of what follows.
const invisible = /[\p{C}\p{Zl}\p{Zp}]/gu;
const reserved = /[/\\:*?"<>|]/g;

/**
 * A name that is safe to show and to save under: no path, nothing invisible, at most 120 bytes of UTF-8 with its
 * extension kept. `fallback` where nothing remains.
 */
export function safeFileName(name: string, fallback = 'file'): string {
  const visible = name.toWellFormed().normalize('NFC').replace(invisible, '').replace(reserved, '_').trim();
  const bare = visible.replace(/^\.+/, '').replace(/[. ]+$/, '');
  return bare === '' ? fallback : shortened(bare);
}

function shortened(name: string): string {
  if (Buffer.byteLength(name) <= maxNameLength) return name;
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 && name.length - dot <= maxExtensionLength ? name.slice(dot) : '';
  let stem = '';
  for (const character of name.slice(0, extension === '' ? undefined : dot)) {
    if (Buffer.byteLength(stem + character + extension) > maxNameLength) break;
    stem += character;
  }
  return stem + extension;
}

/** The name in a URL: ASCII that needs no escaping, so that no client can get it wrong. */
export function urlFileName(name: string): string {
  return asciiName(name).replace(/[^A-Za-z0-9._-]+/g, '_');
}

/** Value of `Content-Disposition` (RFC 6266) for a safe name. */
export function contentDisposition(kind: 'inline' | 'attachment', name: string): string {
  const ascii = asciiName(name).replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const plain = `${kind}; filename="${ascii}"`;
  return ascii === name ? plain : `${plain}; filename*=UTF-8''${extendedValue(name)}`;
}

/** Accents are dropped where that leaves a letter. */
function asciiName(name: string): string {
  return name.normalize('NFKD').replace(/\p{M}/gu, '');
}

/** RFC 8187; encodeURIComponent leaves a few characters that it reserves. */
function extendedValue(text: string): string {
  return encodeURIComponent(text).replace(/['()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}
