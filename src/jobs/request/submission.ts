import type { Endpoint } from '../../contract/endpoint.ts';
import type { Lifecycle } from '../../files/lifecycle.ts';
import type { Retries } from './retries.ts';

/** Of requests; the higher, the sooner. */
export const priorities = Object.freeze({ normal: 0, low: -1 });

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

/** A large data URI of an input: the file that it was decoded into, or what is wrong with it. */
export type Attachment = { readonly path: string; readonly mediaType: string } | { readonly malformed: string };

/** An input as it came. */
export interface ReceivedInput {
  /** The body; validated when it is accepted. */
  readonly input: unknown;
  /** By the text that stands for each in the input. */
  readonly attachments: ReadonlyMap<string, Attachment>;
}

/** A request as it is handed to the queue. */
export interface Submission extends ReceivedInput {
  readonly endpoint: Endpoint;
  readonly owner: string;
  readonly surface: 'run' | 'queue';
  readonly priority: keyof typeof priorities;
  /** Seconds until processing must have started. */
  readonly startTimeout?: number | undefined;
  readonly webhook?: string | undefined;
  /** Refuse when more requests than this are waiting. */
  readonly maxQueueLength?: number | undefined;
  /** `X-Fal-Store-IO` */
  readonly storePayloads: boolean;
  readonly caller: CallerOptions;
}
