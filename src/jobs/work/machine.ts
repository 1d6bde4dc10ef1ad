import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseUnavailable } from '../../database/database-unavailable.ts';
import { type ErrorKind, SoundstageError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import { systemCode } from '../../shared/system-code.ts';

const firstPause = 1000;
const maxPause = 30_000;

/** What runs out, on a disk or in the system, also where there is enough for other requests. */
const exhaustionCodes: ReadonlySet<string> = new Set([
  ...['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM'],
]);

/**
 * Whose trouble an error is: that of the `machine`, which no request can be made on; of a request that the machine is
 * fine without, but that is too much for its disk or device (`exhaustion`); or of the `request` alone.
 */
export type Trouble = 'machine' | 'exhaustion' | 'request';

export interface MachineProbes {
  /** @throws Error while files cannot be written or clips not be stored */
  readonly storage: () => Promise<void>;
  /** @throws Error while the model cannot run */
  readonly model: () => Promise<void>;
}

/** Tells trouble of the machine from that of a request, by trying what a clip needs of it. */
export class Machine {
  readonly #probes: MachineProbes;
  readonly #logger: Logger;
  readonly #title: string;
  #trouble: unknown;

  /** @param title what it is called in the log */
  constructor(probes: MachineProbes, logger: Logger, title = 'this machine') {
    this.#probes = probes;
    this.#logger = logger;
    this.#title = title;
  }

  /** What is wrong with the machine since an error was examined; undefined while nothing is known to be. */
  get trouble(): unknown {
    return this.#trouble;
  }

  /**
   * Whether the model can still run.
   *
   * @param error what its last run ended with; nothing may run in the meantime
   */
  async examineModel(error: unknown): Promise<boolean> {
    if (['crash', 'device'].includes(kindOf(error))) this.#note(await failureOf(this.#probes.model));
    return this.#trouble === undefined;
  }

  /** @param error what ended an attempt, once the attempt's own files are gone */
  async examine(error: unknown): Promise<Trouble> {
    const kind = kindOf(error);
    if (kind === 'input' || kind === 'cancelled') return 'request';
    // It shows by itself when that is over: nothing can be taken until then.
    if (error instanceof DatabaseUnavailable) return 'machine';
    this.#note(await failureOf(this.#probes.storage));
    if (kind === 'weights') this.#note(await failureOf(this.#probes.model));
    if (this.#trouble !== undefined) return 'machine';
    const isExhaustion = kind === 'device' || kind === 'network' || exhaustionCodes.has(systemCode(error) ?? '');
    return isExhaustion ? 'exhaustion' : 'request';
  }

  /** Tries now and then, until the machine is well again. */
  async recovered(signal: AbortSignal): Promise<void> {
    for (let pause = firstPause; this.#trouble !== undefined; pause = Math.min(2 * pause, maxPause)) {
      await sleep(pause, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      this.#trouble = (await failureOf(this.#probes.storage)) ?? (await failureOf(this.#probes.model));
    }
    this.#logger.info(`${this.#title} can make clips again`);
  }

  #note(failure: unknown): void {
    if (failure === undefined || this.#trouble !== undefined) return;
    this.#trouble = failure;
    this.#logger.error(`${this.#title} can make no clips at the moment`, { error: failure });
  }
}

function kindOf(error: unknown): ErrorKind | 'internal' {
  return error instanceof SoundstageError ? error.kind : 'internal';
}

async function failureOf(probe: () => Promise<void>): Promise<unknown> {
  try {
    await probe();
  } catch (error) {
    return error;
  }
  return undefined;
}
