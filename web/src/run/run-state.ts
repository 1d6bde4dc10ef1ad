import { signal } from '@preact/signals';
import type { PreviewSheet } from '../../../src/database/json-columns.ts';
import type { ProgressBody } from '../../../src/server/runs/progress-events.ts';
import type { Clip, Payload } from '../clips/clip.ts';

export interface LogLine {
  readonly message: string;
  readonly level: string;
  readonly timestamp: string;
}

/** Why a run brought no clip. */
export interface Failure {
  readonly message: string;
  /** The fields at fault, as paths such as `loras.0.path`, with what is said about each. */
  readonly fields: Readonly<Record<string, string>>;
}

export type RunState =
  | 'sending'
  | 'queued'
  | 'running'
  | 'cancelling'
  | 'done'
  | 'failed'
  | 'cancelled'
  /** The server did not say whether it took the request. */
  | 'unanswered'
  /** The server knows nothing of the request, or of its result, any more. */
  | 'gone';

/** Which of several clips that were asked for at once. */
export interface Part {
  readonly number: number;
  readonly count: number;
  /** Ids of the clips made before it. */
  readonly made: readonly string[];
}

/** The request that the page follows. */
export interface Run {
  /** Absent while it is being sent. */
  readonly id?: string;
  /** Id of the endpoint. */
  readonly endpoint: string;
  readonly input: Payload;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
  /** Seconds that such a clip has taken here; undefined where none was made yet. */
  readonly expected?: number | undefined;
  readonly part?: Part | undefined;
  readonly state: RunState;
  readonly queuePosition?: number;
  readonly progress?: ProgressBody['progress'];
  /** `performance.now()` of the progress. */
  readonly progressAt?: number;
  readonly preview?: ProgressBody['preview'];
  /** Of a film, the last preview of each part that was made since the page follows it. */
  readonly partPreviews?: readonly { readonly part: number; readonly sheet: PreviewSheet }[];
  readonly logs: readonly LogLine[];
  /** Why the server cannot be asked at the moment; how the request is doing is not known then. */
  readonly outage?: string | undefined;
  readonly clip?: Clip;
  readonly failure?: Failure;
}

export const run = signal<Run | undefined>(undefined);

export function updateRun(changes: Partial<Run>): void {
  if (run.value !== undefined) run.value = { ...run.value, ...changes };
}

export function isUnderWay(current: Run | undefined): boolean {
  return current !== undefined && ['sending', 'queued', 'running', 'cancelling'].includes(current.state);
}
