import type { HistoryItem, HistoryPage } from '../../jobs/history.ts';

/** Finished requests, as the platform lists them. */
export async function historyBody(
  { items, nextCursor }: HistoryPage,
  present: ((item: HistoryItem) => Promise<unknown>) | undefined,
) {
  const listed = await Promise.all(
    items.map(async (item) => ({
      request_id: item.id,
      endpoint_id: item.endpoint,
      sent_at: item.sentAt.toISOString(),
      started_at: item.startedAt?.toISOString() ?? null,
      ended_at: item.endedAt.toISOString(),
      status_code: item.statusCode,
      duration: item.inferenceSeconds ?? null,
      ...(present !== undefined && { json_input: item.input ?? null, json_output: (await present(item)) ?? null }),
    })),
  );
  return { items: listed, next_cursor: nextCursor?.toString() ?? null, has_more: nextCursor !== undefined };
}
