import { elementAt } from '../../shared/element-at.ts';

/** The bytes that percent escapes stand for; `decodeURIComponent` would throw where they are not UTF-8. */
export function percentDecoded(text: string): Buffer {
  const bytes = Buffer.from(text);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = elementAt(bytes, at);
    const escaped = byte === percentByte ? escapedByte(bytes, at + 1) : undefined;
    if (escaped !== undefined) at += 2;
    bytes[length++] = escaped ?? byte;
  }
  return bytes.subarray(0, length);
}

const percentByte = 0x25;

function escapedByte(bytes: Buffer, at: number): number | undefined {
  const [high, low] = [hexDigit(bytes[at]), hexDigit(bytes[at + 1])];
  return high === undefined || low === undefined ? undefined : high * 16 + low;
}

function hexDigit(byte = 0): number | undefined {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : undefined;
}
