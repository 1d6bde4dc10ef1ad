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
/** Ids of what was erased on this page: a list that was asked for before may still have it. */
const erased = new Set<string>();

/** @throws ServerError, OutageError */
export async function loadHistory(): Promise<void> {
  const before = new Set(clips.value.map(({ id }) => id));
  const { items, next_cursor: next } = await listed({ limit: String(pageSize) });
  // What was made while the list was on its way is not in it.
  clips.value = joined(
    clips.value.filter(({ id }) => !before.has(id)),
    items.flatMap(toClip),
  );
  nextPage.value = next ?? undefined;
}

/** @throws ServerError, OutageError */
export async function loadMore(): Promise<void> {
  const cursor = nextPage.value;
  if (cursor === undefined) return;
  const { items, next_cursor: next } = await listed({ limit: String(pageSize), cursor });
  clips.value = joined(clips.value, items.flatMap(toClip));
  if (nextPage.value === cursor) nextPage.value = next ?? undefined;
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
  erased.add(id);
  clips.value = clips.value.filter((clip) => clip.id !== id);
}

/** Each of them once, less what was erased. */
function joined(known: readonly Clip[], listed: readonly Clip[]): readonly Clip[] {
  const ids = new Set(known.map(({ id }) => id));
  return [...known, ...listed.filter(({ id }) => !ids.has(id) && !erased.has(id))];
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
