import { computed, signal } from '@preact/signals';
import type { Output } from '../../../src/contract/output.ts';
import { ask } from '../server/connection.ts';
import { endpoints } from '../server/endpoints.ts';
import { cancelledStatus, problemIn } from '../server/refusal.ts';
import { type Clip, type Entry, isClip, lorasOf, mentions, type Payload } from './clip.ts';

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

export interface Search {
  /** All of them are to be found in a request. */
  readonly words: string;
  /** A camera move or an adapter; empty: any, or none. */
  readonly lora: string;
}

/** What of the history is to be seen. */
export const search = signal<Search>({ words: '', lora: '' });
/** Requests the server keeps that are over, newest first. */
export const entries = signal<readonly Entry[]>([]);
/** Those of them that brought a clip. */
export const clips = computed(() => entries.value.filter(isClip));
/** Those of them that are searched for. */
export const foundEntries = computed(() => {
  const { words, lora } = search.value;
  return entries.value.filter((entry) => mentions(entry, words) && (lora === '' || lorasOf(entry).includes(lora)));
});
/** Where the next page of all that is kept begins, and of what is searched for; undefined: that was all. */
const nextOfAll = signal<string | undefined>(undefined);
const nextFound = signal<string | undefined>(undefined);
/** Whether the server has more of what is to be seen. */
export const hasMore = computed(() => (searchText() === '' ? nextOfAll : nextFound).value !== undefined);
/** Ids of what was erased on this page: a list that was asked for before may still have it. */
const erased = new Set<string>();

/** @throws ServerError, OutageError */
export async function loadHistory(): Promise<void> {
  const before = new Set(entries.value.map(({ id }) => id));
  const { items, next_cursor: next } = await listed({});
  // What was made while the list was on its way is not in it.
  entries.value = joined(
    entries.value.filter(({ id }) => !before.has(id)),
    items,
  );
  nextOfAll.value = next ?? undefined;
}

/** Has the server look through all that it keeps for what is searched for. @throws ServerError, OutageError */
export async function searchServer(): Promise<void> {
  const text = searchText();
  nextFound.value = undefined;
  if (text !== '') await loadFound(text, {});
}

/** @throws ServerError, OutageError */
export async function loadMore(): Promise<void> {
  const text = searchText();
  const next = text === '' ? nextOfAll : nextFound;
  const cursor = next.value;
  if (cursor === undefined) return;
  if (text !== '') return await loadFound(text, { cursor });
  const { items, next_cursor: following } = await listed({ cursor });
  entries.value = joined(entries.value, items);
  if (next.value === cursor) next.value = following ?? undefined;
}

async function loadFound(text: string, query: Readonly<Record<string, string>>): Promise<void> {
  const { items, next_cursor: next } = await listed({ search: text, ...query });
  entries.value = joined(entries.value, items);
  // Something else may be searched for by now.
  if (searchText() === text) nextFound.value = next ?? undefined;
}

function searchText(): string {
  const { words, lora } = search.value;
  return `${words} ${lora}`.trim();
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

/** Each of them once, newest first, less what was erased. */
function joined(known: readonly Entry[], items: readonly HistoryItem[]): readonly Entry[] {
  const ids = new Set(known.map(({ id }) => id));
  const added = items.flatMap(toEntry).filter(({ id }) => !ids.has(id) && !erased.has(id));
  return [...known, ...added].sort((one, other) => other.sentAt.getTime() - one.sentAt.getTime());
}

async function listed(query: Readonly<Record<string, string>>): Promise<HistoryReply> {
  const parameters = new URLSearchParams({
    endpoint_id: endpoints.value.map(({ id }) => id).join(','),
    expand: 'payloads',
    limit: String(pageSize),
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
