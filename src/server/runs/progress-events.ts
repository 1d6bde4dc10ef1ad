import type { PreviewSheet } from '../../database/json-columns.ts';
import type { RequestProgress } from '../../jobs/request/request-progress.ts';
import type { RequestStatus } from '../../jobs/request/request-status.ts';
import type { Requests } from '../../jobs/requests.ts';

/** How far a request is, as its caller is told. */
export interface ProgressBody {
  readonly request_id: string;
  readonly status: RequestStatus['state'];
  readonly queue_position: number | null;
  readonly progress: {
    readonly phase: string;
    readonly step: number;
    readonly steps: number;
    /** Of the whole clip, 0…1. */
    readonly fraction: number;
    /** Since the model took it up. */
    readonly seconds: number;
    /** Estimated; null while there is nothing to go by. */
    readonly seconds_left: number | null;
  } | null;
  /** Absent in a stream: as in the event before. */
  readonly preview?: PreviewSheet | null;
}

/** Part of a clip below which no time can be foretold. */
const minFraction = 0.02;

export async function currentProgress(
  requests: Pick<Requests, 'progress'>,
  status: RequestStatus,
): Promise<ProgressBody> {
  const known = status.state === 'IN_PROGRESS' ? await requests.progress(status.id) : undefined;
  return { ...body(status, known), preview: known?.preview ?? null };
}

/** How far a request is, now and after every change, until it is completed. */
export async function* progressEvents(
  requests: Pick<Requests, 'watch' | 'progress'>,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<ProgressBody> {
  let shown: string | undefined;
  for await (const status of requests.watch(id, signal)) {
    const { preview, ...rest } = await currentProgress(requests, status);
    yield preview?.image === shown ? rest : { ...rest, preview: preview ?? null };
    shown = preview?.image;
  }
}

function body({ id, state, queuePosition }: RequestStatus, known: RequestProgress | undefined): ProgressBody {
  const common = { request_id: id, status: state, queue_position: queuePosition ?? null };
  if (known === undefined) return { ...common, progress: null };
  const { phase, step, steps, fraction, seconds } = known.progress;
  const left = fraction < minFraction ? null : (seconds / fraction) * (1 - fraction);
  return { ...common, progress: { phase, step, steps, fraction, seconds, seconds_left: left } };
}
