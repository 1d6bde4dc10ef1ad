/** Samples of each channel in a frame, and their code in its header. */
const [blockSamples, blockCode] = [4096, 0b1100];

/**
 * Silence as FLAC (RFC 9639): four bytes hold the 4096 samples of a channel, so that hours of surround sound take little.
 * Whole blocks, up to the length asked for.
 */
export function silentFlac(seconds: number, channels: number, sampleRate = 48_000): Buffer {
  const blocks = Math.floor((seconds * sampleRate) / blockSamples);
  const info = Buffer.alloc(34);
  info.writeUInt16BE(blockSamples, 0);
  info.writeUInt16BE(blockSamples, 2);
  // 20 bits rate, 3 channels, 5 resolution, 36 samples in all.
  const format = (BigInt(sampleRate) << 44n) | (BigInt(channels - 1) << 41n) | (15n << 36n);
  info.writeBigUInt64BE(format | BigInt(blocks * blockSamples), 10);
  const parts = [Buffer.from('fLaC'), Buffer.of(0x80, 0, 0, info.length), info];
  // Constant subframes of the value 0, 16 bits.
  const subframes = Buffer.alloc(3 * channels);
  for (let block = 0; block < blocks; block++) {
    const header = Buffer.from([0xff, 0xf8, blockCode << 4, ((channels - 1) << 4) | (0b100 << 1), ...coded(block)]);
    const frame = Buffer.concat([header, Buffer.of(checksum(header, 0x07, 8)), subframes]);
    const end = Buffer.alloc(2);
    end.writeUInt16BE(checksum(frame, 0x8005, 16));
    parts.push(frame, end);
  }
  return Buffer.concat(parts);
}

/** A number as FLAC has those of its frames, which is how UTF-8 has characters. */
function coded(number: number): Buffer {
  // What UTF-16 keeps for itself is no character on its own.
  if (number < 0xd800 || number > 0xdfff) return Buffer.from(String.fromCodePoint(number));
  return Buffer.of(0xe0 | (number >> 12), 0x80 | ((number >> 6) & 0x3f), 0x80 | (number & 0x3f));
}

function checksum(bytes: Uint8Array, polynomial: number, bits: 8 | 16): number {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte << (bits - 8);
    for (let bit = 0; bit < 8; bit++) sum = (sum << 1) ^ (sum & (1 << (bits - 1)) ? polynomial : 0);
    sum &= 2 ** bits - 1;
  }
  return sum;
}
