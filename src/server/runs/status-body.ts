import { appOf } from '../../contract/endpoint-id.ts';
import type { RequestStatus } from '../../jobs/request/request-status.ts';
import type { NumberedLogEntry } from '../../jobs/requests.ts';

/** Addresses of a request, as the queue hands them out. */
export function requestUrls(queueBase: string, { endpoint, id }: { readonly endpoint: string; readonly id: string }) {
  const response = `${queueBase}/${appOf(endpoint)}/requests/${id}`;
  return { response_url: response, status_url: `${response}/status`, cancel_url: `${response}/cancel` };
}

/**
 * What the queue tells about a request. The key `logs` is there as soon as the request runs, because one client asks
 * for it, and null where nobody asked for logs.
 */
export function statusBody(status: RequestStatus, queueBase: string, logs: readonly NumberedLogEntry[] | null) {
  const { id, state } = status;
  const common = { status: state, request_id: id, ...requestUrls(queueBase, status) };
  switch (state) {
    case 'IN_QUEUE':
      return { ...common, queue_position: status.queuePosition ?? 0, logs: logs?.map(logEntry) ?? null, metrics: {} };
    case 'IN_PROGRESS':
      return { ...common, logs: logs?.map(logEntry) ?? null, metrics: {} };
    case 'COMPLETED':
      return {
        ...common,
        logs: logs?.map(logEntry) ?? null,
        metrics: status.inferenceSeconds === undefined ? {} : { inference_time: status.inferenceSeconds },
        ...(status.error === undefined ? {} : { error: status.error }),
        ...(status.errorType === undefined ? {} : { error_type: status.errorType }),
      };
  }
}

/** 202 until it is over: one client goes by the code alone. */
export function statusCode({ state }: RequestStatus): 200 | 202 {
  return state === 'COMPLETED' ? 200 : 202;
}

/** Some clients read level and source at the top, those for Java and Swift ask for `labels`. */
function logEntry({ level, message, at }: NumberedLogEntry) {
  const labels = { level, source: 'USER' };
  return { message, ...labels, labels, timestamp: at.toISOString() };
}
