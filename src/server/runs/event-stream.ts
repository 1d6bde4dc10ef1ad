import { InlineOutput } from '../../jobs/request/inline-output.ts';
import { asciiJson } from '../../shared/ascii-json.ts';

const encoder = new TextEncoder();

/**
 * Milliseconds of silence that are ended by a comment: the Python client's HTTP library gives up after 5 s of them, the
 * Java client after 10, and what lies between cuts idle streams too. Before the first event, not even this long.
 */
const silence = Object.freeze({ first: 500, later: 2000 });

export interface EventStreamOptions {
  /** Called when the reader has gone; must bring the events to an end. */
  readonly abort: () => void;
  /** Released when the stream is over, however it ends. */
  readonly resources: AsyncDisposable;
  /** Asked before every write; once it says no, the reply breaks off. Absent: always. */
  readonly isAllowed?: (() => Promise<boolean>) | undefined;
  /** Called when the events fail; must end the connection, so that nobody takes the last event for the end. */
  readonly breakOff: (error: unknown) => void;
}

/** The caller's key was revoked while the reply went on. */
export class KeyRevokedError extends Error {
  override readonly name = 'KeyRevokedError';
}

/** A reply of server-sent events, one write per event (unless it holds a clip) and no faster than the reader reads. */
export function eventStream(events: AsyncIterable<unknown>, options: EventStreamOptions): Response {
  const { abort, resources, isAllowed = async () => true, breakOff } = options;
  const iterator = written(events);
  let next: Promise<IteratorResult<Written>> | undefined;
  let patience: number = silence.first;
  const leave = async (): Promise<void> => {
    abort();
    await next?.catch(() => {});
    await iterator.return();
    await resources[Symbol.asyncDispose]();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        next ??= iterator.next();
        try {
          const settled = await within(patience, next);
          patience = silence.later;
          if (!(await isAllowed())) {
            await leave();
            throw new KeyRevokedError('the key was revoked');
          }
          if (settled === undefined) return controller.enqueue(encoder.encode(': waiting\n\n'));
          next = undefined;
          if (settled.done !== true) {
            // Nothing may come in between the pieces of an event.
            if (!settled.value.isEnd) patience = Number.POSITIVE_INFINITY;
            return controller.enqueue(encoder.encode(settled.value.text));
          }
        } catch (error) {
          breakOff(error);
        }
        await resources[Symbol.asyncDispose]();
        controller.close();
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' },
  });
}

interface Written {
  readonly text: string;
  /** Of an event. */
  readonly isEnd: boolean;
}

async function* written(events: AsyncIterable<unknown>): AsyncGenerator<Written, void, undefined> {
  for await (const event of events) {
    if (event instanceof InlineOutput) {
      yield { text: 'data: ', isEnd: false };
      for await (const text of event.json()) yield { text, isEnd: false };
      yield { text: '\n\n', isEnd: true };
    } else yield { text: `data: ${asciiJson(event)}\n\n`, isEnd: true };
  }
}

/** What the promise resolves to; undefined when it takes longer than that. */
async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T | undefined> {
  if (milliseconds === Number.POSITIVE_INFINITY) return await promise;
  let timer: NodeJS.Timeout | undefined;
  const timeLimit = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  try {
    return await Promise.race([promise, timeLimit]);
  } finally {
    clearTimeout(timer);
  }
}
