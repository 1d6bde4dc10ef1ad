import type { Lifecycle } from '../files/lifecycle.ts';
import type { Retries } from './retries.ts';

/** What a caller asked for, besides the input. */
export interface CallerOptions {
  /** Base of file URLs in webhooks, where no later request tells how the caller reaches us, e.g. `https://host/cdn`. */
  readonly fileBase: string;
  /** Hosts (with port) under which the caller knows this server, so that its own file URLs are read from the store. */
  readonly ownHosts: readonly string[];
  /** Lifetime and access of the produced file (`X-Fal-Object-Lifecycle-Preference`). */
  readonly lifecycle?: Lifecycle | undefined;
  /** Labels for the usage report. */
  readonly tags: Readonly<Record<string, string>>;
  /** `X-Fal-Retry-Config`, `X-Fal-No-Retry`; of no account for direct runs, which are never retried. */
  readonly retries: Retries;
}

/** A request as it is handed to the queue. */
export interface Submission {
  readonly endpoint: string;
  readonly owner: string;
  readonly surface: 'run' | 'queue';
  /** The body as received; validated when it is accepted. */
  readonly input: unknown;
  readonly priority: 'normal' | 'low';
  /** Seconds until processing must have started. */
  readonly startTimeout?: number | undefined;
  readonly webhook?: string | undefined;
  /** Refuse when more requests than this are waiting. */
  readonly maxQueueLength?: number | undefined;
  /** `X-Fal-Store-IO` */
  readonly storePayloads: boolean;
  readonly caller: CallerOptions;
}
