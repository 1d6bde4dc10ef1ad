import '../platform/disposable-stacks.ts';
import { flushCompileCache } from 'node:module';
import type { ChildMessage, ParentMessage, ServiceMethods } from './service-messages.ts';
import { toWireError } from './wire-error.ts';

interface CallContext<Event> {
  /** Aborted when the parent cancels this call. */
  readonly signal: AbortSignal;
  /** Sends an event; resolves once the parent has handled it. Await it to keep memory bounded. */
  emit(event: Event): Promise<void>;
}

export type ServiceHandlers<Methods extends ServiceMethods> = {
  readonly [Name in keyof Methods]: (
    params: Methods[Name]['params'],
    context: CallContext<Methods[Name]['event']>,
  ) => Promise<Methods[Name]['result']>;
};

/** Serves `handlers` to the parent process over IPC until the channel closes, then ends this process. */
export function serveParentProcess<Methods extends ServiceMethods>(handlers: ServiceHandlers<Methods>): void {
  const running = new Map<number, AbortController>();
  const unacknowledged = new Map<number, () => void>();
  let nextEvent = 0;

  const send = (message: ChildMessage): Promise<void> =>
    new Promise((resolve, reject) => {
      if (process.send === undefined) return reject(new Error('this module must be started by ChildService'));
      process.send(message, undefined, undefined, (error) => (error ? reject(error) : resolve()));
    });

  let kept = false;
  /** By itself Node does so at an orderly end, and this process is killed. */
  const keepCompiled = (): void => {
    if (!kept) flushCompileCache();
    kept = true;
  };

  const call = async ({ id, method, params }: Extract<ParentMessage, { type: 'call' }>): Promise<void> => {
    const controller = new AbortController();
    running.set(id, controller);
    const emit = async (value: unknown): Promise<void> => {
      const event = nextEvent++;
      const acknowledged = new Promise<void>((resolve) => unacknowledged.set(event, resolve));
      await send({ type: 'event', id, event, value });
      await acknowledged;
    };
    try {
      const handler = handlers[method];
      if (handler === undefined) throw new Error(`unknown service method ${method}`);
      await send({ type: 'result', id, value: await handler(params, { signal: controller.signal, emit }) });
    } catch (error) {
      await send({ type: 'error', id, error: toWireError(error) });
    } finally {
      running.delete(id);
      keepCompiled();
    }
  };

  process.on('message', (message: ParentMessage) => {
    if (message.type === 'call') void call(message);
    else if (message.type === 'cancel') running.get(message.id)?.abort();
    else {
      unacknowledged.get(message.event)?.();
      unacknowledged.delete(message.event);
    }
  });
  // Ctrl-C in a terminal reaches every process, and so does its end; what that means is the parent's to decide.
  for (const name of ['SIGINT', 'SIGHUP']) process.on(name, () => {});
  // The parent owns this process: without it there is nobody to answer.
  process.on('disconnect', () => process.exit(0));
}
