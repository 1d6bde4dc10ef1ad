/** Bytes that are looked at. */
const headBytes = 4096;

/** Beginnings of files that are no sound and no film, in hexadecimal; a dot is any digit. */
const beginnings: readonly (readonly [string, RegExp])[] = [
  ['a picture', /^(?:89504e47|ffd8ff|47494638|424d.{8}0000|49492a00|4d4d002a|52494646.{8}57454250)/],
  ['a picture', /^.{8}66747970(?:68656963|68656978|6d696631|61766966)/],
  ['a PDF document', /^25504446/],
  ['an archive or an office document', /^(?:504b0304|1f8b|377abcaf|52617221)/],
  ['a MIDI file, which has notes but no sound', /^4d546864/],
  ['a program', /^(?:4d5a|7f454c46)/],
];

/** What a file is that can be no recording, in words; undefined: it may be one. */
export async function foreignKind(source: Blob): Promise<string | undefined> {
  const head = new Uint8Array(await source.slice(0, headBytes).arrayBuffer());
  if (head.length === 0) return 'empty';
  const digits = Array.from(head.slice(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const known = beginnings.find(([, beginning]) => beginning.test(digits));
  return known?.[0] ?? (isText(head) ? 'a text' : undefined);
}

/** Whether all of it could be read aloud: UTF-8 without the bytes that only machines use. */
function isText(head: Uint8Array): boolean {
  if (head.some((byte) => byte < 9 || (byte > 13 && byte < 32))) return false;
  try {
    // The last character may be cut in two.
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
    return true;
  } catch {
    return false;
  }
}
