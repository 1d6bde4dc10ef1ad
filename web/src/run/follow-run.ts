import { ApiError, type QueueStatus } from '@fal-ai/client';
import type { Output } from '../../../src/contract/output.ts';
import type { PreviewSheet } from '../../../src/database/json-columns.ts';
import type { Clip, Payload } from '../clips/clip.ts';
import { addEntry, findClip } from '../clips/history.ts';
import {
  ask,
  fal,
  OutageError,
  pause,
  type RequestName,
  requestPath,
  ServerError,
  untilAnswered,
} from '../server/connection.ts';
import { progressOf } from '../server/progress-stream.ts';
import { failureOf, isCancellation } from './failure.ts';
import { isUnderWay, type LogLine, type Run, run, updateRun } from './run-state.ts';
import { forgetRun, recallRun, rememberRun } from './stored-run.ts';

const pollMilliseconds = 500;
/** Milliseconds after which a server that says nothing counts as out of reach. */
const silence = 15_000;
/** Milliseconds before a progress stream that broke off is opened again. */
const streamPause = 1000;

/** Sends a request to an endpoint and follows it to its end; the end is in `run`. */
export async function startRun(endpoint: string, input: Payload, known: Pick<Run, 'expected' | 'part'>): Promise<void> {
  const sentAt = Date.now();
  run.value = { ...known, endpoint, input, sentAt, state: 'sending', logs: [] };
  let id: string;
  try {
    id = (await fal.queue.submit<string>(endpoint, { input })).request_id;
  } catch (error) {
    return updateRun(isAnswer(error) ? failed(error) : { state: 'unanswered' });
  }
  rememberRun({ id, endpoint, input, sentAt, isCancelled: false, part: known.part });
  updateRun({ id, state: 'queued' });
  await followRun({ id, endpoint });
}

/** Takes up the run that was under way when the page was left. */
export async function resumeRun(): Promise<void> {
  const stored = recallRun();
  if (stored === undefined || isUnderWay(run.value)) return;
  const { id, endpoint, input, sentAt, isCancelled, part } = stored;
  run.value = { id, endpoint, input, sentAt, part, state: isCancelled ? 'cancelling' : 'queued', logs: [] };
  if (isCancelled) void cancelRun();
  await followRun(stored);
}

/** Asks the server to stop, as soon as it can be reached. */
export async function cancelRun(): Promise<void> {
  if (run.value?.id === undefined) return;
  const { id, endpoint, input, sentAt, part } = run.value;
  updateRun({ state: 'cancelling' });
  rememberRun({ id, endpoint, input, sentAt, isCancelled: true, part });
  try {
    // That the server is out of reach is told by whoever follows the run.
    await untilAnswered(
      () => fal.queue.cancel(endpoint, { requestId: id }),
      () => {},
    );
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // It was over before the word arrived, or the server refuses; which of them is told by its status.
    if (isUnderWay(run.value)) updateRun({ state: 'running' });
  }
}

async function followRun(request: RequestName): Promise<void> {
  const over = new AbortController();
  const watching = watchProgress(request, over.signal);
  try {
    const hasFailed = await watchStatus(request);
    updateRun({ state: 'done', clip: await finishedClip(request, hasFailed) });
  } catch (error) {
    if (isGone(error)) return updateRun({ state: 'gone' });
    const changes: Partial<Run> = isCancellation(error) ? { state: 'cancelled' } : failed(error);
    updateRun(changes);
    keepAttempt(request, changes.failure?.message);
  } finally {
    forgetRun(request.id);
    over.abort();
    await watching;
  }
}

/** Follows a request until it is over, whatever becomes of the server meanwhile; returns whether it failed. */
async function watchStatus(request: RequestName): Promise<boolean> {
  for (;;) {
    const status = await untilAnswered(() => currentStatus(request), tellOutage);
    updateRun(changesOf(status));
    if (status.status === 'COMPLETED') return status.error !== undefined;
    await pause(pollMilliseconds);
  }
}

/** The client's own way would take a server that is out of reach for the end of the request. */
function currentStatus(request: RequestName): Promise<CurrentStatus> {
  return ask(requestPath(request, 'status?logs=1'), (reply): Promise<CurrentStatus> => reply.json(), {
    signal: AbortSignal.timeout(silence),
  });
}

type CurrentStatus = QueueStatus & { readonly error?: string };

function changesOf(status: QueueStatus): Partial<Run> {
  const logs = 'logs' in status ? ((status.logs ?? []) as readonly LogLine[]) : [];
  const isLeaving = run.value?.state === 'cancelling';
  if (status.status === 'IN_QUEUE') {
    return { logs, queuePosition: status.queue_position, ...(!isLeaving && { state: 'queued' as const }) };
  }
  return { logs, ...(!isLeaving && { state: 'running' as const }) };
}

/** Progress is a convenience: without it the clip is made all the same, so a broken stream is opened again. */
async function watchProgress(request: RequestName, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      // What an earlier stream told may be that of an earlier attempt.
      let shown: Run['preview'] = null;
      for await (const { status, progress, preview } of progressOf(request, signal)) {
        // What is told of this run after its end must not be taken for the next one's.
        if (status === 'COMPLETED' || signal.aborted) return;
        if (preview !== undefined) shown = preview;
        updateRun({ progress, progressAt: performance.now(), preview: shown });
        if (progress?.phase === 'parts' && shown) keepPartPreview(progress.step + 1, shown);
      }
    } catch {
      // The server may be out of reach; that is told by the status.
    }
    await pause(streamPause, signal);
  }
}

function keepPartPreview(part: number, sheet: PreviewSheet): void {
  const others = run.value?.partPreviews?.filter((each) => each.part !== part) ?? [];
  updateRun({ partPreviews: [...others, { part, sheet }] });
}

async function finishedClip(request: RequestName, hasFailed: boolean): Promise<Clip> {
  const output = await untilAnswered(() => outputOf(request, hasFailed), tellOutage);
  if (output instanceof ApiError) throw output;
  // What is not kept (sync_mode) is in no list; the page has it until it is left.
  const listed = await findClip(request.id).catch(() => undefined);
  const { input = {}, sentAt = Date.now() } = run.value ?? {};
  const clip = listed ?? { ...request, input, output, sentAt: new Date(sentAt), waited: undefined, made: undefined };
  addEntry(clip);
  return clip;
}

/** What brought no clip is kept too, to be tried again. */
function keepAttempt(request: RequestName, problem: string | undefined): void {
  const { input = {}, sentAt = Date.now() } = run.value ?? {};
  addEntry({ ...request, input, sentAt: new Date(sentAt), problem });
}

/** What a request brought: of one that failed, the error that the server keeps as its result. */
async function outputOf({ id, endpoint }: RequestName, hasFailed: boolean): Promise<Output | ApiError<unknown>> {
  try {
    return (await fal.queue.result(endpoint, { requestId: id })).data as Output;
  } catch (error) {
    if (hasFailed && error instanceof ApiError && error.status !== 401 && error.body !== undefined) return error;
    throw error;
  }
}

function tellOutage(outage: string | undefined): void {
  if (run.value?.outage !== outage) updateRun({ outage });
}

function failed(error: unknown): Partial<Run> {
  return { state: 'failed', failure: failureOf(error) };
}

/** Whether the server has refused a request; where something before it has, the request may be in the queue. */
function isAnswer(error: unknown): boolean {
  return (
    !(error instanceof OutageError) && !(error instanceof ApiError && error.status >= 500 && error.body === undefined)
  );
}

function isGone(error: unknown): boolean {
  return (error instanceof ServerError || error instanceof ApiError) && error.status === 404;
}
