import type { Payload } from '../clips/clip.ts';
import type { Part } from './run-state.ts';

const storageName = 'soundstage.run';

/** A request under way, as it is kept for the time after a reload. */
interface StoredRun {
  readonly id: string;
  /** Id of the endpoint. */
  readonly endpoint: string;
  readonly input: Payload;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
  /** Whether the server is to stop. */
  readonly isCancelled: boolean;
  readonly part?: Part | undefined;
}

/** Keeps a run for this tab, and for whatever tab is opened when this one is gone. */
export function rememberRun(stored: StoredRun): void {
  const text = JSON.stringify(stored);
  // The input is for show; it may be too large, with a data URI in it.
  if (!store(text)) store(JSON.stringify({ ...stored, input: {}, part: undefined } satisfies StoredRun));
}

/** The run of this tab; where it has none, the newest one of any other. */
export function recallRun(): StoredRun | undefined {
  const own = parse(sessionStorage.getItem(storageName));
  if (own !== undefined) return own;
  const other = parse(localStorage.getItem(storageName));
  // A tab that is still there makes the rest of its clips itself.
  return other && { ...other, part: undefined };
}

export function forgetRun(id: string): void {
  for (const storage of [sessionStorage, localStorage]) {
    if (parse(storage.getItem(storageName))?.id === id) storage.removeItem(storageName);
  }
}

function store(text: string): boolean {
  try {
    sessionStorage.setItem(storageName, text);
    localStorage.setItem(storageName, text);
    return true;
  } catch {
    return false;
  }
}

function parse(text: string | null): StoredRun | undefined {
  try {
    const stored = JSON.parse(text ?? 'null') as Partial<StoredRun> | null;
    const { id, endpoint, input = {}, sentAt = Date.now(), isCancelled = false, part } = stored ?? {};
    const isKnown = typeof id === 'string' && typeof endpoint === 'string';
    return isKnown ? { id, endpoint, input, sentAt, isCancelled, part } : undefined;
  } catch {
    // Something else was stored under the name.
    return undefined;
  }
}
