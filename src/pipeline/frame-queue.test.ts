import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { FrameQueue } from './frame-queue.ts';

test('the producer runs ahead by no more than the limit, and the order is kept', async () => {
  const consumed: number[] = [];
  let [added, ahead] = [0, 0];
  const queue = new FrameQueue(20, async ([first = 0]) => {
    await setTimeout(5);
    consumed.push(first);
    ahead = Math.max(ahead, added - consumed.length);
  });
  for (let batch = 0; batch < 8; batch++) {
    added++;
    await queue.add(new Uint8Array(10).fill(batch));
  }
  await queue.drain();
  expect(consumed).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(ahead).toBeGreaterThan(0);
  expect(ahead).toBeLessThanOrEqual(3);
});

test('a failing consumer stops the producer', async () => {
  const queue = new FrameQueue(5, () => Promise.reject(new Error('disk full')));
  await expect(queue.add(new Uint8Array(10))).rejects.toThrow('disk full');
  await expect(queue.add(new Uint8Array(1))).rejects.toThrow('disk full');
  await expect(queue.drain()).rejects.toThrow('disk full');
});
