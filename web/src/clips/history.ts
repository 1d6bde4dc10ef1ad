import { computed, signal } from '@preact/signals';
import type { Output } from '../../../src/contract/output.ts';
import { ask } from '../server/connection.ts';
import { endpoints } from '../server/endpoints.ts';
import { cancelledStatus, problemIn } from '../server/refusal.ts';
import { type Clip, type Entry, isClip, type Payload } from './clip.ts';

interface HistoryItem {
  readonly request_id: string;
  readonly endpoint_id: string;
  readonly sent_at: string;
  readonly started_at: string | null;
  readonly status_code: number;
  readonly duration: number | null;
  readonly json_input: Payload | null;
  readonly json_output: Output | { readonly detail: unknown } | null;
}

interface HistoryReply {
  readonly items: readonly HistoryItem[];
  readonly next_cursor: string | null;
}

const pageSize = 24;

/** Requests the server keeps that are over, newest first. */
export const entries = signal<readonly Entry[]>([]);
/** Those of them that brought a clip. */
export const clips = computed(() => entries.value.filter(isClip));
/** Where the next page begins; undefined: that was all. */
export const nextPage = signal<string | undefined>(undefined);
/** Ids of what was erased on this page: a list that was asked for before may still have it. */
const erased = new Set<string>();

/** @throws ServerError, OutageError */
export async function loadHistory(): Promise<void> {
  const before = new Set(entries.value.map(({ id }) => id));
  const { items, next_cursor: next } = await listed({ limit: String(pageSize) });
  // What was made while the list was on its way is not in it.
  entries.value = joined(
    entries.value.filter(({ id }) => !before.has(id)),
    items.flatMap(toEntry),
  );
  nextPage.value = next ?? undefined;
}

/** @throws ServerError, OutageError */
export async function loadMore(): Promise<void> {
  const cursor = nextPage.value;
  if (cursor === undefined) return;
  const { items, next_cursor: next } = await listed({ limit: String(pageSize), cursor });
  entries.value = joined(entries.value, items.flatMap(toEntry));
  if (nextPage.value === cursor) nextPage.value = next ?? undefined;
}

/** A clip as the server lists it; undefined where it keeps nothing about it. @throws ServerError, OutageError */
export async function findClip(id: string): Promise<Clip | undefined> {
  const { items } = await listed({ request_id: id });
  return items.flatMap(toEntry).find(isClip);
}

export function addEntry(entry: Entry): void {
  entries.value = [entry, ...entries.value.filter(({ id }) => id !== entry.id)];
}

/** Has the server erase a request, what it was made from and its clip. @throws ServerError, OutageError */
export async function eraseEntry(id: string): Promise<void> {
  await ask(`v1/models/requests/${id}/payloads`, (reply) => reply.text(), { method: 'DELETE' });
  erased.add(id);
  entries.value = entries.value.filter((entry) => entry.id !== id);
}

/** Each of them once, less what was erased. */
function joined(known: readonly Entry[], added: readonly Entry[]): readonly Entry[] {
  const ids = new Set(known.map(({ id }) => id));
  return [...known, ...added.filter(({ id }) => !ids.has(id) && !erased.has(id))];
}

async function listed(query: Readonly<Record<string, string>>): Promise<HistoryReply> {
  const parameters = new URLSearchParams({
    endpoint_id: endpoints.value.map(({ id }) => id).join(','),
    expand: 'payloads',
    ...query,
  });
  return await ask(`v1/models/requests/by-endpoint?${parameters}`, (reply): Promise<HistoryReply> => reply.json());
}

/** Nothing where the server keeps nothing of it. */
function toEntry(item: HistoryItem): Entry[] {
  const { json_input: input, json_output: output } = item;
  if (input === null) return [];
  const sentAt = new Date(item.sent_at);
  const ended = { id: item.request_id, endpoint: item.endpoint_id, input, sentAt };
  if (item.status_code === cancelledStatus) return [{ ...ended, problem: undefined }];
  if (item.status_code !== 200) return [{ ...ended, problem: problemIn(output) ?? 'It failed.' }];
  if (output === null || !('video' in output) || typeof output.video?.url !== 'string') return [];
  const waited = item.started_at === null ? undefined : (Date.parse(item.started_at) - sentAt.getTime()) / 1000;
  return [{ ...ended, output, waited, made: item.duration ?? undefined }];
}
