import type { Output } from '../../../src/contract/output.ts';

/** What a request named, as it was sent. */
export type Payload = Readonly<Record<string, unknown>>;

/** A finished clip. */
export interface Clip {
  readonly id: string;
  /** Id of the endpoint that made it. */
  readonly endpoint: string;
  readonly input: Payload;
  readonly output: Output;
  readonly sentAt: Date;
  /** Seconds it waited for a worker. */
  readonly waited: number | undefined;
  /** Seconds it took to make. */
  readonly made: number | undefined;
}

export function isPicture({ output }: Clip): boolean {
  return output.video.content_type === 'image/gif';
}

export function promptOf({ input, output }: Clip): string {
  return typeof input.prompt === 'string' ? input.prompt : output.prompt;
}
