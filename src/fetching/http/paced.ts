/** How fast a body has to arrive. */
export interface Pace {
  /** 0: at any rate. */
  readonly minBytesPerSecond: number;
  /** Milliseconds over which that is measured. */
  readonly window: number;
}

/**
 * The pieces as they are, as long as they arrive fast enough; only the time that is spent waiting for them counts.
 *
 * @param tooSlow makes the error for when they do not; whoever hears it has to close what they come from
 */
export async function* paced(
  pieces: AsyncIterable<Uint8Array>,
  { minBytesPerSecond, window }: Pace,
  tooSlow: () => Error,
): AsyncGenerator<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  let coming: Promise<IteratorResult<Uint8Array>> | undefined;
  let [waited, bytes] = [0, 0];
  for (;;) {
    const started = performance.now();
    coming ??= iterator.next();
    const next = await within(window - waited, coming);
    waited += performance.now() - started;
    if (next?.done) return;
    bytes += next?.value.length ?? 0;
    if (waited >= window) {
      if (bytes * 1000 < minBytesPerSecond * waited) throw tooSlow();
      [waited, bytes] = [0, 0];
    }
    if (next === undefined) continue;
    coming = undefined;
    yield next.value;
  }
}

/** What the promise resolves to; undefined where that takes longer. */
async function within<Result>(milliseconds: number, promise: Promise<Result>): Promise<Result | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
