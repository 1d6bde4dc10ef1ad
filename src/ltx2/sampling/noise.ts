/**
 * Seeded standard normals: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") with key
 * (seed, stream) and a 64-bit block counter, turned into normals by Box–Muller in double precision and rounded to
 * float32. A value depends only on seed, stream and its index, so longer draws begin with shorter ones.
 */
export function seededNormals(seed: number, stream: number, count: number): Float32Array {
  const normals = new Float32Array(count);
  for (let at = 0; at < count; at += 4) {
    const [a, b, c, d] = philoxBlock(at / 4, seed, stream);
    const [first, second] = boxMuller(a, b);
    const [third, fourth] = boxMuller(c, d);
    normals[at] = first;
    if (at + 1 < count) normals[at + 1] = second;
    if (at + 2 < count) normals[at + 2] = third;
    if (at + 3 < count) normals[at + 3] = fourth;
  }
  return normals;
}

/** Ten rounds of Philox on counter (`block`, 0) and key (`seed`, `stream`): four 32-bit words. */
export function philoxBlock(block: number, seed: number, stream: number): readonly [number, number, number, number] {
  let c0 = block >>> 0;
  let c1 = Math.floor(block / 2 ** 32) >>> 0;
  let c2 = 0;
  let c3 = 0;
  let k0 = seed >>> 0;
  let k1 = stream >>> 0;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0) >>> 0;
    const high1 = multiplyHigh(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** Upper 32 bits of the product of two 32-bit numbers, in 16-bit halves that stay exact in doubles. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = (middle % 0x10000) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

function boxMuller(a: number, b: number): readonly [number, number] {
  const radius = Math.sqrt(-2 * Math.log((a + 0.5) / 2 ** 32));
  const angle = (2 * Math.PI * (b + 0.5)) / 2 ** 32;
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}
