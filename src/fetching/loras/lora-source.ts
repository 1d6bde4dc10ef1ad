import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { SoundstageError } from '../../shared/errors.ts';
import type { Purpose } from '../download-error.ts';
import type { GuardedClient } from '../http/guarded-client.ts';
import type { Validators } from '../http/guarded-fetch.ts';
import type { Pace } from '../http/paced.ts';
import { writeNewFile } from '../new-file.ts';
import { expectSafetensors, safetensorsProblem } from '../safetensors-check.ts';
import type { LoraCache, LoraDownload, LoraLease } from './lora-cache.ts';

/** What fetching one LoRA needs to know. */
export interface LoraFetch extends Purpose {
  readonly client: GuardedClient;
  readonly cache: LoraCache;
  /** Milliseconds. */
  readonly timeout: number;
  /** See `guardedFetch`. */
  readonly pace?: Pace | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told when a download begins (bytes where known) and when another one of the same file is waited for. */
  readonly onFetch?: ((state: 'fetching' | 'waiting', bytes?: number) => void) | undefined;
}

/** Name of a source in the cache; says nothing about it, as addresses may hold secrets. */
export function sourceKey(kind: 'url' | 'data' | 'own' | 'hub', ...parts: readonly string[]): string {
  return createHash('sha256')
    .update([kind, ...parts].join('\0'))
    .digest('hex');
}

/** What the answer said about the version it brought, and when (milliseconds since 1970). */
export type SourceVersion = Validators & { readonly checkedAt: number };

/** Brings the content of a LoRA into the cache, if it is one. */
export async function receiveLora(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  download: LoraDownload,
  version: SourceVersion,
  fetch: LoraFetch,
): Promise<LoraLease> {
  const path = join(download.folder, 'download');
  const hash = createHash('sha256');
  const checked = expectSafetensors(pieces, (problem) => notALora(fetch, problem));
  await writeNewFile(path, hashing(checked, hash), fetch.signal);
  await requireSafetensors(path, fetch);
  await fetch.cache.makeRoom(0);
  return fetch.cache.publish(path, hash.digest('hex'), download.key, version);
}

/** @throws SoundstageError `input` that says what is wrong with the content */
export async function requireSafetensors(path: string, purpose: Pick<Purpose, 'field'>): Promise<void> {
  const problem = await safetensorsProblem(path);
  if (problem !== undefined) throw notALora(purpose, problem);
}

/** @param problem ends the sentence "field cannot be used as a LoRA: …" */
export function notALora({ field }: Pick<Purpose, 'field'>, problem: string): SoundstageError {
  return new SoundstageError('input', `${field} cannot be used as a LoRA: ${problem}`, { field });
}

async function* hashing(
  pieces: AsyncIterable<Uint8Array>,
  hash: { update(data: Uint8Array): unknown },
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}
