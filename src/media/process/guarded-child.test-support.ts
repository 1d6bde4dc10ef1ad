import { serveParentProcess } from '../../shared/processes/service-host.ts';
import { endAtMemoryLimit } from './memory-limit.ts';

export type UnrulyMethods = {
  readonly echo: { params: number; result: number; event: never };
  readonly crash: { params: undefined; result: undefined; event: never };
  readonly hang: { params: undefined; result: undefined; event: never };
  /** Keeps the event loop busy or leaves it free: only from outside can the first be seen. */
  readonly eatMemory: { params: { block: boolean }; result: undefined; event: never };
};

endAtMemoryLimit();

serveParentProcess<UnrulyMethods>({
  echo: async (value) => value,
  crash: async () => process.abort(),
  hang: async () => {
    while (true);
  },
  eatMemory: async ({ block }) => {
    const eaten: Buffer[] = [];
    while (true) {
      eaten.push(Buffer.alloc(2 ** 24, eaten.length + 1));
      if (!block) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  },
});
