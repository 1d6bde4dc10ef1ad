import type { HistoryItem, HistoryPage } from '../../jobs/watch/history.ts';

/** Finished requests, as the platform lists them. */
export async function historyBody(
  { items, nextCursor }: HistoryPage,
  present: ((item: HistoryItem) => Promise<{ readonly input: unknown; readonly output: unknown }>) | undefined,
) {
  const listed = await Promise.all(
    items.map(async (item) => {
      const payloads = await present?.(item);
      return {
        request_id: item.id,
        endpoint_id: item.endpoint,
        sent_at: item.sentAt.toISOString(),
        started_at: item.startedAt?.toISOString() ?? null,
        ended_at: item.endedAt.toISOString(),
        status_code: item.statusCode,
        duration: item.inferenceSeconds ?? null,
        ...(payloads && { json_input: payloads.input ?? null, json_output: payloads.output ?? null }),
      };
    }),
  );
  return { items: listed, next_cursor: nextCursor?.toString() ?? null, has_more: nextCursor !== undefined };
}
