import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { bodyBytes } from './body-bytes.ts';
import { BodyShares } from './body-shares.ts';

test('a body that drips is given up, though it never pauses', async () => {
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      await wait(10);
      controller.enqueue(new Uint8Array([32]));
    },
  });
  const request = new Request('http://localhost/', { method: 'POST', body, duplex: 'half' } as RequestInit);
  const read = async (): Promise<void> => {
    for await (const _ of bodyBytes(request, { bytes: 1e9, idle: 100 }));
  };
  await expect(read()).rejects.toMatchObject({ status: 400 });
});

test('a sender may take half of the room, and as much as is left for everybody else', () => {
  const shares = new BodyShares(1200);
  const take = (sender: string): number => {
    let taken = 0;
    while (shares.open(sender).grow(10)) taken += 10;
    return taken;
  };
  expect([take('a'), take('b'), take('c'), take('a')]).toEqual([600, 300, 150, 0]);
});

test('what a body held is free again for everybody, and small ones are not counted', () => {
  const shares = new BodyShares(100, 20);
  const large = shares.open('a');
  expect([large.grow(30), large.grow(50), large.grow(51)]).toEqual([true, true, false]);
  expect(shares.open('a').grow(20)).toBe(true);
  large[Symbol.dispose]();
  expect(shares.open('a').grow(50)).toBe(true);
});
