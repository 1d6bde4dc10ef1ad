import { ApiError, type QueueStatus } from '@fal-ai/client';
import { endpoint } from '../../../src/contract/endpoint.ts';
import type { Output } from '../../../src/contract/output.ts';
import type { Clip, Payload } from '../clips/clip.ts';
import { addClip, findClip } from '../clips/history.ts';
import { fal } from '../server/connection.ts';
import { progressOf } from '../server/progress-stream.ts';
import { failureOf, isCancellation } from './failure.ts';
import { type LogLine, run, updateRun } from './run-state.ts';

const storageName = 'soundstage.run';
const pollMilliseconds = 500;
/** Milliseconds before a server that does not answer is asked again. */
const patience = 2000;

interface StoredRun {
  readonly id: string;
  readonly input: Payload;
  readonly sentAt: number;
}

/** Sends a request and follows it to its end; the end is in `run`. */
export async function startRun(input: Payload): Promise<void> {
  const sentAt = Date.now();
  run.value = { input, sentAt, state: 'sending', logs: [] };
  try {
    const { request_id: id } = await fal.queue.submit<string>(endpoint.id, { input });
    localStorage.setItem(storageName, JSON.stringify({ id, input, sentAt } satisfies StoredRun));
    updateRun({ id, state: 'queued' });
    await followRun(id);
  } catch (error) {
    end({ state: 'failed', failure: failureOf(error) });
  }
}

/** Takes up the run that was under way when the page was left. */
export async function resumeRun(): Promise<void> {
  const stored = localStorage.getItem(storageName);
  if (stored === null) return;
  const { id, input, sentAt } = JSON.parse(stored) as StoredRun;
  run.value = { id, input, sentAt, state: 'queued', logs: [] };
  await followRun(id);
}

/** Asks the server to stop. */
export async function cancelRun(): Promise<void> {
  const id = run.value?.id;
  if (id === undefined) return;
  updateRun({ state: 'cancelling' });
  try {
    await fal.queue.cancel(endpoint.id, { requestId: id });
  } catch (error) {
    // It was over before the word arrived; how it ended is told by the result.
    if (!(error instanceof ApiError && error.status === 400)) throw error;
  }
}

async function followRun(id: string): Promise<void> {
  const over = new AbortController();
  const watching = watchProgress(id, over.signal);
  try {
    await watchStatus(id);
    end({ state: 'done', clip: await finishedClip(id) });
  } catch (error) {
    if (isCancellation(error)) end({ state: 'cancelled' });
    else end({ state: 'failed', failure: failureOf(error) });
  } finally {
    over.abort();
    await watching;
  }
}

async function watchStatus(id: string): Promise<void> {
  await fal.queue.subscribeToStatus(endpoint.id, {
    requestId: id,
    logs: true,
    pollInterval: pollMilliseconds,
    onQueueUpdate: (status) => {
      if (run.value?.id === id) updateRun(changesOf(status));
    },
  });
}

function changesOf(status: QueueStatus) {
  const logs = 'logs' in status ? ((status.logs ?? []) as readonly LogLine[]) : [];
  const isLeaving = run.value?.state === 'cancelling';
  if (status.status === 'IN_QUEUE') {
    return { logs, queuePosition: status.queue_position, ...(!isLeaving && { state: 'queued' as const }) };
  }
  return { logs, ...(!isLeaving && { state: 'running' as const }) };
}

/** Progress is a convenience: without it the clip is made all the same, so a broken stream is opened again. */
async function watchProgress(id: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const { status, progress, preview } of progressOf(id, signal)) {
        if (run.value?.id !== id || status === 'COMPLETED') return;
        updateRun({ progress, progressAt: performance.now(), ...(preview !== undefined && { preview }) });
      }
      return;
    } catch {
      if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, patience));
    }
  }
}

async function finishedClip(id: string): Promise<Clip> {
  const { data } = await fal.queue.result(endpoint.id, { requestId: id });
  const output = data as Output;
  // What is not kept (sync_mode) is in no list; the page has it until it is left.
  const listed = await findClip(id).catch(() => undefined);
  const { input = {}, sentAt = Date.now() } = run.value ?? {};
  const clip = listed ?? { id, input, output, sentAt: new Date(sentAt), waited: undefined, made: undefined };
  addClip(clip);
  return clip;
}

function end(changes: Parameters<typeof updateRun>[0]): void {
  localStorage.removeItem(storageName);
  updateRun(changes);
}
