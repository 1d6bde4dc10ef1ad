import { expect, test } from 'vitest';
import { float16ToNumber } from './float16.ts';

test('all 65,536 of them are what Node reads', () => {
  const view = new DataView(new ArrayBuffer(2));
  const wrong: number[] = [];
  for (let bits = 0; bits < 65_536; bits += 1) {
    view.setUint16(0, bits);
    if (!Object.is(float16ToNumber(bits), view.getFloat16(0))) wrong.push(bits);
  }
  expect(wrong).toEqual([]);
});
