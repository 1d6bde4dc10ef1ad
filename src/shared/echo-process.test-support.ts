import { type ErrorKind, SoundstageError } from './errors.ts';
import { serveParentProcess } from './service-host.ts';

export type EchoMethods = {
  echo: { params: unknown; result: unknown; event: never };
  fail: { params: { kind: ErrorKind; message: string; field: string }; result: never; event: never };
  emit: { params: number; result: number; event: number };
  wait: { params: undefined; result: never; event: never };
  block: { params: number; result: undefined; event: never };
  crash: { params: undefined; result: never; event: never };
};

serveParentProcess<EchoMethods>({
  echo: async (value) => value,
  fail: async ({ kind, message, field }) => {
    throw new SoundstageError(kind, message, { field });
  },
  emit: async (count, { emit }) => {
    for (let event = 0; event < count; event++) await emit(event);
    return count;
  },
  wait: () => new Promise(() => {}),
  block: async (milliseconds) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
    return undefined;
  },
  crash: async () => process.abort(),
});
