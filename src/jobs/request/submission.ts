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

/** Why an input could not be received. `position`: where its JSON is wrong; undefined where it is too large. */
export class UnreadableInput extends Error {
  override readonly name = 'UnreadableInput';
  readonly position: number | undefined;

  private constructor(message: string, position: number | undefined, cause?: unknown) {
    super(message, { cause });
    this.position = position;
  }

  static notJson(reason = 'the body is not valid JSON', position: number, cause?: unknown): UnreadableInput {
    return new UnreadableInput(reason, position, cause);
  }

  static notUtf8(cause: unknown): UnreadableInput {
    return new UnreadableInput('the body is not valid UTF-8', 0, cause);
  }

  static tooLarge(limit: number): UnreadableInput {
    const message =
      `The body has more than ${limit} bytes besides its data URIs: write data:TYPE;base64, in front of content in base64, ` +
      'or upload large files and give their URL';
    return new UnreadableInput(message, undefined);
  }
}
