import { afterAll, expect, test } from 'vitest';
import { ChildService } from './child-service.ts';
import type { EchoMethods } from './echo-process.test-support.ts';
import { SoundstageError } from './errors.ts';

const service = new ChildService<EchoMethods>({
  module: new URL('./echo-process.test-support.ts', import.meta.url),
  title: 'the echo',
});
afterAll(() => service[Symbol.asyncDispose]());

test('values and typed arrays cross unchanged', async () => {
  const value = { text: 'a', floats: Float32Array.of(1, 2.5), bytes: new Uint8Array(3), missing: undefined };
  expect(await service.call('echo', value)).toEqual(value);
});

test('errors for the user keep their kind and field', async () => {
  const error = await service.call('fail', { kind: 'input', message: 'bad', field: 'audio' }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(SoundstageError);
  expect(error).toMatchObject({ kind: 'input', message: 'bad', field: 'audio' });
});

test('the child waits until an event has been handled', async () => {
  const seen: string[] = [];
  const order = await service.call('emit', 3, {
    onEvent: async (event) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      seen.push(`handled ${event}`);
    },
  });
  expect(seen).toEqual(['handled 0', 'handled 1', 'handled 2']);
  expect(order).toBe(3);
});

test('a failing event handler fails the call, and the child goes on', async () => {
  const failing = service.call('emit', 2, {
    onEvent: () => {
      throw new Error('no room');
    },
  });
  await expect(failing).rejects.toThrow('no room');
  expect(await service.call('echo', 1)).toBe(1);
});

test('a crash fails the calls under way and the next call finds a new child', async () => {
  const waiting = service.call('wait', undefined);
  await expect(service.call('crash', undefined)).rejects.toMatchObject({ kind: 'crash' });
  await expect(waiting).rejects.toMatchObject({ kind: 'crash' });
  expect(await service.call('echo', 2)).toBe(2);
});

test('a call that ignores its cancellation is killed after the grace period', async () => {
  const controller = new AbortController();
  const blocked = service.call('block', 10_000, { signal: controller.signal, grace: 100 });
  setTimeout(() => controller.abort(), 50);
  const started = performance.now();
  await expect(blocked).rejects.toMatchObject({ kind: 'cancelled' });
  expect(performance.now() - started).toBeLessThan(3000);
});

test('a call that takes too long is killed', async () => {
  await expect(service.call('wait', undefined, { timeout: 100 })).rejects.toThrow('did not answer within 0.1 s');
});

test('disposal ends the process', async () => {
  const own = new ChildService<EchoMethods>({
    module: new URL('./echo-process.test-support.ts', import.meta.url),
    title: 'the echo',
  });
  await own.call('echo', 1);
  const { pid } = own;
  await own[Symbol.asyncDispose]();
  expect(() => process.kill(pid ?? 0, 0)).toThrow('ESRCH');
});
