import { signal } from '@preact/signals';
import type { Output } from '../../../src/contract/output.ts';
import { ask, type RequestName } from '../server/connection.ts';
import { endpoints } from '../server/endpoints.ts';
import type { Clip, Payload } from './clip.ts';

interface HistoryItem {
  readonly request_id: string;
  readonly endpoint_id: string;
  readonly sent_at: string;
  readonly started_at: string | null;
  readonly duration: number | null;
  readonly json_input: Payload | null;
  readonly json_output: Output | null;
}

interface HistoryReply {
  readonly items: readonly HistoryItem[];
  readonly next_cursor: string | null;
}

const pageSize = 24;

/** Clips the server keeps, newest first. */
export const clips = signal<readonly Clip[]>([]);
/** Where the next page begins; undefined: that was all. */
export const nextPage = signal<string | undefined>(undefined);

/** @throws ServerError, OutageError */
export async function loadHistory(): Promise<void> {
  const { items, next_cursor: next } = await listed({ limit: String(pageSize) });
  clips.value = items.flatMap(toClip);
  nextPage.value = next ?? undefined;
}

/** @throws ServerError, OutageError */
export async function loadMore(): Promise<void> {
  if (nextPage.value === undefined) return;
  const { items, next_cursor: next } = await listed({ limit: String(pageSize), cursor: nextPage.value });
  clips.value = [...clips.value, ...items.flatMap(toClip)];
  nextPage.value = next ?? undefined;
}

/** A clip as the server lists it; undefined where it keeps nothing about it. @throws ServerError, OutageError */
export async function findClip({ id, endpoint }: RequestName): Promise<Clip | undefined> {
  const { items } = await listed({ request_id: id, endpoint_id: endpoint });
  return items.flatMap(toClip)[0];
}

export function addClip(clip: Clip): void {
  clips.value = [clip, ...clips.value.filter(({ id }) => id !== clip.id)];
}

/** Has the server erase a clip and what it was made from. @throws ServerError, OutageError */
export async function eraseClip(id: string): Promise<void> {
  await ask(`v1/models/requests/${id}/payloads`, (reply) => reply.text(), { method: 'DELETE' });
  clips.value = clips.value.filter((clip) => clip.id !== id);
}

async function listed(query: Readonly<Record<string, string>>): Promise<HistoryReply> {
  const parameters = new URLSearchParams({
    endpoint_id: endpoints.value.map(({ id }) => id).join(','),
    expand: 'payloads',
    status: 'success',
    ...query,
  });
  return await ask(`v1/models/requests/by-endpoint?${parameters}`, (reply): Promise<HistoryReply> => reply.json());
}

function toClip(item: HistoryItem): Clip[] {
  const { json_input: input, json_output: output } = item;
  if (input === null || output === null || typeof output.video?.url !== 'string') return [];
  const sentAt = new Date(item.sent_at);
  const waited = item.started_at === null ? undefined : (Date.parse(item.started_at) - sentAt.getTime()) / 1000;
  return [
    {
      id: item.request_id,
      endpoint: item.endpoint_id,
      input,
      output,
      sentAt,
      waited,
      made: item.duration ?? undefined,
    },
  ];
}
