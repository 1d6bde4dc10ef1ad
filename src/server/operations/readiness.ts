/** Throws, with a message for the operator, while something is not ready. */
export type ReadinessCheck = () => Promise<void>;

export interface ReadinessReport {
  readonly ready: boolean;
  /** `ok`, or what is wrong. */
  readonly checks: Readonly<Record<string, string>>;
}

/** Milliseconds after which a check that does not answer has failed. */
const patience = 5000;

/** Whether the server can do its work, by named checks. */
export class Readiness {
  readonly #checks: Readonly<Record<string, ReadinessCheck>>;
  readonly #onChange: (report: ReadinessReport) => void;
  #told = '';

  /** @param onChange told of a report that differs from the one before */
  constructor(checks: Readonly<Record<string, ReadinessCheck>>, onChange: (report: ReadinessReport) => void) {
    this.#checks = checks;
    this.#onChange = onChange;
  }

  async check(): Promise<ReadinessReport> {
    const results = await Promise.all(
      Object.entries(this.#checks).map(async ([name, check]) => [name, await result(check)] as const),
    );
    const report = { ready: results.every(([, text]) => text === 'ok'), checks: Object.fromEntries(results) };
    const text = JSON.stringify(report);
    if (text !== this.#told) this.#onChange(report);
    this.#told = text;
    return report;
  }
}

/** For those who may not know more: reasons name addresses and folders. */
export function withoutReasons({ ready, checks }: ReadinessReport): ReadinessReport {
  const states = Object.entries(checks).map(([name, text]) => [name, text === 'ok' ? text : 'failed'] as const);
  return { ready, checks: Object.fromEntries(states) };
}

async function result(check: ReadinessCheck): Promise<string> {
  const timeout = AbortSignal.timeout(patience);
  const late = new Promise<string>((resolve) => {
    timeout.addEventListener('abort', () => resolve(`no answer within ${patience / 1000} s`), { once: true });
  });
  const done = check().then(
    () => 'ok',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  return await Promise.race([done, late]);
}
