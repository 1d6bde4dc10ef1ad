import { beforeEach, expect, test, vi } from 'vitest';
import { asciiJson } from '../../shared/ascii-json.ts';
import { type EventStreamOptions, eventStream } from './event-stream.ts';

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

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
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

test('silence is filled with comments: from the first moment on, and never more than 3 s apart', async () => {
  vi.useFakeTimers();
  try {
    async function* rare(): AsyncGenerator<unknown> {
      await wait(7000);
      yield 1;
      await wait(20_000);
    }
    const came: { readonly at: number; readonly text: string }[] = [];
    const reading = (async () => {
      for await (const chunk of eventStream(rare(), options()).body ?? []) {
        came.push({ at: Date.now(), text: new TextDecoder().decode(chunk) });
      }
    })();
    const started = Date.now();
    await vi.advanceTimersByTimeAsync(27_000);
    await reading;
    const times = [started, ...came.map(({ at }) => at), Date.now()];
    const silences = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(silences[0]).toBeLessThan(1000);
    expect(Math.max(...silences)).toBeLessThanOrEqual(3000);
    expect(came.filter(({ text }) => text.startsWith('data: ')).map(({ text }) => text)).toEqual(['data: 1\n\n']);
    for (const { text } of came) expect(text).toMatch(/^(?:: .*|data: 1)\n\n$/);
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
