import { beforeEach, expect, test, vi } from 'vitest';
import { asciiJson, type EventStreamOptions, eventStream } from './event-stream.ts';

let released = 0;
let failure: unknown;
beforeEach(() => {
  released = 0;
  failure = undefined;
});

function release(): void {
  released += 1;
}

function options(abort: () => void = () => {}): EventStreamOptions {
  return {
    abort,
    resources: { [Symbol.asyncDispose]: async () => release() },
    breakOff: (error) => {
      failure = error;
    },
  };
}

async function* events(...values: unknown[]): AsyncGenerator<unknown> {
  yield* values;
}

test('one chunk per event, ASCII only', async () => {
  const reply = eventStream(events({ a: 'é\u2028' }, { b: '\u{1f3ac}' }), options());
  const chunks: string[] = [];
  for await (const chunk of reply.body ?? []) chunks.push(new TextDecoder('ascii').decode(chunk));
  expect(chunks).toEqual(['data: {"a":"\\u00e9\\u2028"}\n\n', 'data: {"b":"\\ud83c\\udfac"}\n\n']);
  expect(reply.headers.get('content-type')).toBe('text/event-stream');
  expect(released).toBe(1);
});

test('the JSON reads back as it was', () => {
  const value = { text: 'aé\u{1f3ac}\u007f"\\\n', list: [null, 1.5, true] };
  expect(JSON.parse(asciiJson(value))).toEqual(value);
});

test('a reader that leaves ends the events', async () => {
  const controller = new AbortController();
  let ended = false;
  async function* endless(): AsyncGenerator<unknown> {
    try {
      yield 1;
      await new Promise((resolve) => controller.signal.addEventListener('abort', resolve));
    } finally {
      ended = true;
    }
  }
  const reader = eventStream(
    endless(),
    options(() => controller.abort()),
  ).body?.getReader();
  await reader?.read();
  const waiting = reader?.read();
  await reader?.cancel();
  await waiting;
  expect([ended, released]).toEqual([true, 1]);
});

test('nothing is asked for ahead of the reader', async () => {
  const next = vi.fn(async () => ({ done: false as const, value: 1 }));
  const reply = eventStream({ [Symbol.asyncIterator]: () => ({ next }) }, options());
  const reader = reply.body?.getReader();
  expect(next).toHaveBeenCalledTimes(0);
  await reader?.read();
  expect(next).toHaveBeenCalledTimes(1);
});

test('silence is filled with comments', async () => {
  vi.useFakeTimers();
  try {
    const reply = eventStream({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }, options());
    const reading = reply.body?.getReader().read();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(new TextDecoder().decode((await reading)?.value)).toMatch(/^: .*\n\n$/);
  } finally {
    vi.useRealTimers();
  }
});

test('a failure breaks the stream off', async () => {
  async function* failing(): AsyncGenerator<unknown> {
    yield 1;
    throw new Error('gone');
  }
  const reader = eventStream(failing(), options()).body?.getReader();
  await reader?.read();
  expect((await reader?.read())?.done).toBe(true);
  expect([failure, released]).toEqual([new Error('gone'), 1]);
});

test('a reader that leaves before it began to read leaves nothing behind', async () => {
  await eventStream(events(1), options()).body?.cancel();
  expect(released).toBe(1);
});
