import { afterEach, describe, expect, it } from 'vitest';
import type { UnrulyMethods } from './guarded-child.test-support.ts';
import { ChildLimitError, GuardedChild } from './guarded-child.ts';

const children: GuardedChild<UnrulyMethods>[] = [];

function unruly(): GuardedChild<UnrulyMethods> {
  const child = new GuardedChild<UnrulyMethods>({
    module: new URL('./guarded-child.test-support.ts', import.meta.url),
    title: 'the unruly process',
    memoryLimit: 400e6,
  });
  children.push(child);
  return child;
}

afterEach(async () => {
  for (const child of children.splice(0)) await child[Symbol.asyncDispose]();
});

describe('GuardedChild', () => {
  it('turns a crash into an error of that call, and starts a new child', async () => {
    const child = unruly();
    await expect(child.call('crash', undefined, { timeLimit: 10_000 })).rejects.toMatchObject({ kind: 'crash' });
    await expect(child.call('echo', 7, { timeLimit: 10_000 })).resolves.toBe(7);
  });

  it('kills a child that hangs', async () => {
    const child = unruly();
    await child.call('echo', 1, { timeLimit: 10_000 });
    const hang = child.call('hang', undefined, { timeLimit: 300 });
    await expect(hang).rejects.toThrow(new ChildLimitError('time', 'the unruly process did not finish within 0.3 s'));
    await expect(child.call('echo', 7, { timeLimit: 10_000 })).resolves.toBe(7);
  });

  it('ends a child that eats memory and still turns its event loop', async () => {
    const call = unruly().call('eatMemory', { block: false }, { timeLimit: 20_000 });
    await expect(call).rejects.toMatchObject({ kind: 'crash', limit: 'memory' });
  });

  it.runIf(process.platform === 'linux')('kills a child that eats memory in one go', async () => {
    const child = unruly();
    const call = child.call('eatMemory', { block: true }, { timeLimit: 20_000 });
    await expect(call).rejects.toMatchObject({ kind: 'crash', limit: 'memory' });
    await expect(child.call('echo', 7, { timeLimit: 10_000 })).resolves.toBe(7);
  });

  it('answers no calls after it was disposed', async () => {
    const child = unruly();
    await child[Symbol.asyncDispose]();
    await expect(child.call('echo', 1, { timeLimit: 1000 })).rejects.toMatchObject({ kind: 'crash' });
  });
});
