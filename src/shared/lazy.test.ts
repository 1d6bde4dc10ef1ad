import { expect, test } from 'vitest';
import { Lazy } from './lazy.ts';

test('a value is made once, however many ask for it at a time', async () => {
  let made = 0;
  const lazy = new Lazy(async () => ++made);
  expect(lazy.made).toBeUndefined();
  expect(await Promise.all([lazy.get(), lazy.get()])).toEqual([1, 1]);
  expect(await lazy.get()).toBe(1);
});

test('a failure reaches all who waited for it, and is not remembered', async () => {
  let tries = 0;
  const lazy = new Lazy(async () => {
    if (++tries === 1) throw new Error('out of memory');
    return tries;
  });
  const both = await Promise.allSettled([lazy.get(), lazy.get()]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(lazy.made).toBeUndefined();
  expect(await lazy.get()).toBe(2);
});
