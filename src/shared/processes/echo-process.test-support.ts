import { setTimeout as sleep } from 'node:timers/promises';
import { cancelled } from '../cancellation.ts';
import { type ErrorKind, SoundstageError } from '../errors.ts';
import { serveParentProcess } from './service-host.ts';

export type EchoMethods = {
  echo: { params: unknown; result: unknown; event: never };
  fail: { params: { kind: ErrorKind; message: string; field: string }; result: never; event: never };
  emit: { params: number; result: number; event: number };
  play: { params: Script; result: number; event: number };
  wait: { params: undefined; result: never; event: never };
  block: { params: number; result: undefined; event: never };
  crash: { params: undefined; result: never; event: never };
  environment: { params: undefined; result: readonly string[]; event: never };
};

export interface Script {
  /** Numbers from 0 are emitted; one that says so is awaited before the next. */
  readonly events: readonly { readonly awaited: boolean; readonly pause: number | undefined }[];
  readonly end: 'result' | 'error' | 'crash';
}

serveParentProcess<EchoMethods>({
  echo: async (value) => value,
  fail: async ({ kind, message, field }) => {
    throw new SoundstageError(kind, message, { field });
  },
  emit: async (count, { emit }) => {
    for (let event = 0; event < count; event++) await emit(event);
    return count;
  },
  play: async ({ events, end }, { emit, signal }) => {
    for (const [index, { awaited, pause }] of events.entries()) {
      if (signal.aborted) throw cancelled();
      const handled = emit(index);
      if (awaited) await handled;
      if (pause !== undefined) await sleep(pause);
    }
    if (end === 'crash') process.kill(process.pid, 'SIGKILL');
    if (end === 'error') throw new SoundstageError('device', 'the end');
    return events.length;
  },
  wait: () => new Promise(() => {}),
  block: async (milliseconds) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
    return undefined;
  },
  crash: async () => process.abort(),
  environment: async () => Object.keys(process.env),
});
