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
  /** Called when the events fail; must end the connection, so that nobody takes the last event for the end. */
  readonly breakOff: (error: unknown) => void;
}

/** A reply of server-sent events, one write per event and no faster than the reader reads. */
export function eventStream(events: AsyncIterable<unknown>, options: EventStreamOptions): Response {
  const { abort, resources, breakOff } = options;
  const iterator = events[Symbol.asyncIterator]();
  let next: Promise<IteratorResult<unknown>> | undefined;
  let patience: number = silence.first;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        next ??= iterator.next();
        try {
          const settled = await within(patience, next);
          patience = silence.later;
          if (settled === undefined) return controller.enqueue(encoder.encode(': waiting\n\n'));
          next = undefined;
          if (settled.done !== true) return controller.enqueue(encoder.encode(`data: ${asciiJson(settled.value)}\n\n`));
        } catch (error) {
          breakOff(error);
        }
        await resources[Symbol.asyncDispose]();
        controller.close();
      },
      async cancel() {
        abort();
        await next?.catch(() => {});
        await iterator.return?.();
        await resources[Symbol.asyncDispose]();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' },
  });
}

/** JSON of ASCII characters only: one client decodes chunk by chunk and would damage a character cut in two. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** What the promise resolves to; undefined when it takes longer than that. */
async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T | undefined> {
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
