import type { Endpoint } from '../../contract/endpoint.ts';
import type { CallerOptions } from '../../database/json-columns.ts';

/** Of requests; the higher, the sooner. */
export const priorities = Object.freeze({ normal: 0, low: -1 });

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
