import { describe, expect, test } from 'vitest';
import { AsyncStack, SyncStack } from './disposable-stacks.ts';

const native = { AsyncDisposableStack, DisposableStack };

describe.each([
  { name: 'of Node itself', ...native },
  { name: 'for Node 22', AsyncDisposableStack: AsyncStack, DisposableStack: SyncStack },
])('the stacks $name', (stacks) => {
  test('dispose of what they hold, the last first, once', async () => {
    const order: string[] = [];
    const stack = new stacks.AsyncDisposableStack();
    const used = { [Symbol.asyncDispose]: async () => void order.push('used') };
    expect(stack.use(used)).toBe(used);
    stack.use({ [Symbol.dispose]: () => void order.push('sync') });
    expect(stack.use(undefined)).toBeUndefined();
    expect(stack.adopt('adopted', (value) => void order.push(value))).toBe('adopted');
    stack.defer(async () => {
      await Promise.resolve();
      order.push('deferred');
    });
    expect(stack.disposed).toBe(false);
    await stack.disposeAsync();
    await stack[Symbol.asyncDispose]();
    expect(stack.disposed).toBe(true);
    expect(order).toEqual(['deferred', 'adopted', 'sync', 'used']);

    const sync = new stacks.DisposableStack();
    sync.defer(() => void order.push('first'));
    sync.use({ [Symbol.dispose]: () => void order.push('second') });
    sync.adopt('third', (value) => void order.push(value));
    sync.dispose();
    sync[Symbol.dispose]();
    expect(order.slice(4)).toEqual(['third', 'second', 'first']);
  });

  test('what was moved is disposed of by its new owner alone', async () => {
    const order: string[] = [];
    const stack = new stacks.AsyncDisposableStack();
    stack.defer(() => void order.push('moved'));
    const owner = stack.move();
    await stack.disposeAsync();
    expect(order).toEqual([]);
    expect([stack.disposed, owner.disposed]).toEqual([true, false]);
    await owner.disposeAsync();
    expect(order).toEqual(['moved']);

    const sync = new stacks.DisposableStack();
    sync.defer(() => void order.push('sync'));
    const syncOwner = sync.move();
    expect(() => sync.move()).toThrow(ReferenceError);
    syncOwner.dispose();
    expect(order).toEqual(['moved', 'sync']);
  });

  test('a disposal that fails does not keep the others from theirs', async () => {
    const failing = (stack: { defer(dispose: () => void): void }): void => {
      for (const name of ['last', 'first']) {
        stack.defer(() => {
          throw new Error(name);
        });
      }
    };
    const expected = { name: 'SuppressedError', error: { message: 'last' }, suppressed: { message: 'first' } };
    const stack = new stacks.AsyncDisposableStack();
    failing(stack);
    await expect(stack.disposeAsync()).rejects.toMatchObject(expected);
    const sync = new stacks.DisposableStack();
    failing(sync);
    expect(caught(() => sync.dispose())).toMatchObject(expected);
  });

  test('refuse what cannot be disposed, and anything once they are disposed of', async () => {
    const stack = new stacks.AsyncDisposableStack();
    expect(() => stack.use({} as Disposable)).toThrow(TypeError);
    await stack.disposeAsync();
    expect(() => stack.defer(() => {})).toThrow(ReferenceError);
    const sync = new stacks.DisposableStack();
    expect(() => sync.use({} as Disposable)).toThrow(TypeError);
    sync.dispose();
    expect(() => sync.defer(() => {})).toThrow(ReferenceError);
  });
});

function caught(action: () => void): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
