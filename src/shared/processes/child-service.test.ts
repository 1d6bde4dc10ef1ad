import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { afterAll, assert, expect, test, vi } from 'vitest';
import { seededRandom } from '../../../test/robustness/support/seeded-random.ts';
import { SoundstageError } from '../errors.ts';
import { deviceVariables } from './child-environment.ts';
import { ChildService } from './child-service.ts';
import type { EchoMethods, Script } from './echo-process.test-support.ts';

const forked: ChildProcess[] = [];
// Node tells here of every child it starts.
subscribe('child_process', (message) => forked.push((message as { process: ChildProcess }).process));

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

test('a call that is cancelled as soon as it is made ends at once, and the child goes on', async () => {
  await service.call('echo', 1);
  const { pid } = service;
  const controller = new AbortController();
  const waiting = service.call('wait', undefined, { signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ kind: 'cancelled' });
  expect(await service.call('echo', 2)).toBe(2);
  expect(service.pid).toBe(pid);
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
  assert(pid !== undefined);
  await own[Symbol.asyncDispose]();
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});

test('an error of a living child ends it, and no second one starts beside it', async () => {
  await service.call('echo', 1);
  const first = forked.at(-1);
  const waiting = service.call('wait', undefined);
  await setImmediate();
  first?.emit('error', new Error('EPIPE'));
  const next = service.call('echo', 2);
  expect(forked.at(-1)).toBe(first);
  await expect(waiting).rejects.toThrow('the echo could not be reached');
  expect(first?.exitCode ?? first?.signalCode).toBe('SIGKILL');
  expect(await next).toBe(2);
});

test('a program that cannot be started fails its calls, and disposal does not wait for it', async () => {
  const options = { module: new URL('./echo-process.test-support.ts', import.meta.url), title: 'the echo' };
  const broken = new ChildService<EchoMethods>({ ...options, execPath: '/nowhere/node' });
  await expect(broken.call('echo', 1)).rejects.toThrow('the echo could not be started');
  await broken[Symbol.asyncDispose]();
  await expect(broken.call('echo', 1)).rejects.toThrow('the echo was stopped');
});

test('a call that comes while the child is being killed gets the next child, not the reason of the kill', async () => {
  const { pid } = service;
  service.kill(new SoundstageError('cancelled', 'of another call'));
  expect(await service.call('echo', 3)).toBe(3);
  expect(service.pid).not.toBe(pid);
});

test('events keep their order and never overlap, in 10,000 interleavings of slow, fast, failing and cancelled calls', async () => {
  const random = seededRandom(11);
  const below = (limit: number): number => Math.floor(random() * limit);
  const chance = (share: number): boolean => random() < share;
  const outcomes = { result: 0, error: 0, crash: 0, handler: 0, cancelled: 0 };

  const interleaving = async (mayCrash: boolean): Promise<void> => {
    const pause = (): number | undefined => (chance(0.05) ? below(3) : undefined);
    const events = Array.from({ length: below(8) }, () => ({ awaited: chance(0.3), pause: pause() }));
    const end = mayCrash ? 'crash' : chance(0.1) ? 'error' : 'result';
    const speeds = events.map(() => below(4));
    const failing = chance(0.1) ? below(8) : undefined;
    const cancelling = chance(0.1) ? below(8) : undefined;
    const controller = new AbortController();
    const begun: number[] = [];
    let [ended, over] = [0, false];
    const onEvent = async (event: number): Promise<void> => {
      expect(over, 'an event after the end of its call').toBe(false);
      expect(begun.length, 'an event beside another').toBe(ended);
      begun.push(event);
      if (event === cancelling) controller.abort();
      if (speeds[event] === 1) await Promise.resolve();
      if (speeds[event] === 2) await setImmediate();
      if (speeds[event] === 3) await sleep(below(3));
      ended++;
      if (event === failing) throw new Error('the handler failed');
    };
    const script: Script = { events, end };
    const call = service.call('play', script, { onEvent, signal: controller.signal });
    const result = await call.catch((error: Error) => error);
    over = true;
    expect(begun).toEqual(begun.map((_, index) => index));
    const message = result instanceof Error ? result.message : undefined;
    const isCancelled = cancelling !== undefined && cancelling < begun.length;
    if (message === undefined) {
      expect(end).toBe('result');
      expect(ended).toBe(events.length);
      expect(isCancelled).toBe(false);
      outcomes.result++;
    } else if (isCancelled) {
      expect(result).toMatchObject({ kind: 'cancelled' });
      expect(begun).toHaveLength(cancelling + 1);
      outcomes.cancelled++;
    } else if (message === 'the handler failed') {
      expect(begun).toHaveLength((failing ?? 0) + 1);
      outcomes.handler++;
    } else if (message === 'the end') {
      expect(ended).toBe(events.length);
      outcomes.error++;
    } else {
      expect(result).toMatchObject({ kind: 'crash' });
      outcomes.crash++;
    }
  };

  for (let done = 0; done < 10_000; done += 250) {
    const withCrash = done % 1000 === 0;
    await Promise.all(Array.from({ length: 250 }, (_, index) => interleaving(withCrash && index === 249)));
  }
  const { crash, ...others } = outcomes;
  expect(crash).toBeGreaterThanOrEqual(10);
  expect(Math.min(...Object.values(others))).toBeGreaterThan(300);
}, 60_000);

test('secrets of the environment stay with the parent', async () => {
  const secrets = {
    ...{ DATABASE_URL: 'postgres://u:p@h/d', HF_TOKEN: 'hf_x', AWS_SECRET_ACCESS_KEY: 'x', AWS_ACCESS_KEY_ID: 'x' },
    ...{ NPM_TOKEN: 'x', NODE_AUTH_TOKEN: 'x', NVIDIA_API_KEY: 'x', CUDA_PASSWORD: 'x', ANY_OTHER: 'x' },
  };
  const useful = { CUDA_VISIBLE_DEVICES: '0', OMP_NUM_THREADS: '1', TZ: 'UTC' };
  for (const [name, value] of Object.entries({ ...secrets, ...useful })) vi.stubEnv(name, value);
  try {
    const module = new URL('./echo-process.test-support.ts', import.meta.url);
    await using plain = new ChildService<EchoMethods>({
      module,
      title: 'the echo',
      env: () => ({ SOUNDSTAGE_OWN: '1' }),
    });
    await using device = new ChildService<EchoMethods>({ module, title: 'the echo', variables: deviceVariables });
    const [few, more] = [await plain.call('environment', undefined), await device.call('environment', undefined)];
    for (const name of Object.keys(secrets)) expect([...few, ...more]).not.toContain(name);
    expect(few).toEqual(expect.arrayContaining(['PATH', 'TZ', 'SOUNDSTAGE_OWN']));
    expect(few).not.toContain('CUDA_VISIBLE_DEVICES');
    expect(more).toEqual(expect.arrayContaining(Object.keys(useful)));
  } finally {
    vi.unstubAllEnvs();
  }
});

test('the end of the terminal does not end the child: what it means is the parent’s to decide', async () => {
  await service.call('echo', 1);
  const { pid } = service;
  assert(pid !== undefined);
  process.kill(pid, 'SIGHUP');
  await sleep(100);
  expect(await service.call('echo', 2)).toBe(2);
  expect(service.pid).toBe(pid);
});
