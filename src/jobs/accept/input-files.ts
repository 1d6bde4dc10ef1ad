import type { Transaction } from 'kysely';
import { replaceAddresses } from '../../contract/input/file-fields.ts';
import type { Tables } from '../../database/tables.ts';
import { downloadError } from '../../fetching/download-error.ts';
import type { FileStore } from '../../files/file-store.ts';
import { filePath, lookupFileUrl } from '../../files/links/file-url.ts';
import type { PendingFile } from '../../files/pending-file.ts';
import type { SoundstageError } from '../../shared/errors.ts';
import type { Submission } from '../request/submission.ts';

/** Characters of a data URI that are kept where its content is not. */
const shownCharacters = 200;
const linkMilliseconds = 3_600_000;

/** An input whose data URIs are files of the store: commit them with the request, or discard them. */
export interface InputInFiles {
  readonly input: unknown;
  commit(transaction: Transaction<Tables>): Promise<void>;
  /** Does nothing to those that were committed. */
  discard(): Promise<void>;
}

/**
 * Puts what came as data URIs into the store, as files that only the caller may read and that go with the payloads of
 * the request. The input then names their addresses.
 */
export async function storeInputFiles(
  { endpoint: { fileFields }, input, attachments, owner, caller }: Submission,
  requestId: string,
  files: FileStore,
): Promise<InputInFiles> {
  await using opened = new AsyncDisposableStack();
  const pending = new Map<string, PendingFile>();
  for (const [text, name] of addresses(input, fileFields)) {
    const attachment = attachments.get(text);
    if (attachment === undefined || 'malformed' in attachment) continue;
    const file = await files.reserve({ owner, name, contentType: attachment.mediaType, inputOf: requestId });
    opened.defer(() => file.discard());
    await file.write(attachment.path);
    pending.set(text, file);
  }
  const stack = opened.move();
  return {
    input: replaceAddresses(input, fileFields, (text) => {
      const file = pending.get(text);
      return file === undefined ? text : `${caller.fileBase}${file.path}`;
    }),
    commit: async (transaction) => {
      for (const file of pending.values()) await file.commit(transaction);
    },
    discard: () => stack.disposeAsync(),
  };
}

/**
 * The input of a request as somebody reads it who may: data URIs that have become files are links that are good for an
 * hour.
 *
 * @param fileFields at least those of the request's endpoint
 * @param fileBase address of the file server as the reader reaches it, e.g. `https://host/cdn`
 */
export async function presentInput(
  { id, input }: { readonly id: string; readonly input: unknown },
  fileFields: readonly string[],
  { files, fileBase }: { readonly files: FileStore; readonly fileBase: string },
): Promise<unknown> {
  const idOf = (address: string): string | undefined => lookupFileUrl(address, [URL.parse(address)?.host ?? '']);
  if (!addresses(input, fileFields).some(([address]) => idOf(address) !== undefined)) return input;
  const stored = new Map((await files.inputsOf(id)).map((file) => [file.id, file]));
  const expiresAt = new Date(Date.now() + linkMilliseconds);
  return replaceAddresses(input, fileFields, (address) => {
    const file = stored.get(idOf(address) ?? '');
    if (file === undefined) return address;
    return `${fileBase}${filePath(file)}?identity=${files.signature(file.id, expiresAt)}`;
  });
}

/** The input of a submission, of which only the beginning of each data URI is kept. */
export function withoutAttachments({ endpoint, input, attachments }: Submission): unknown {
  return replaceAddresses(input, endpoint.fileFields, (text) =>
    attachments.has(text) ? `${text.slice(0, shownCharacters)}…` : text,
  );
}

/** What is wrong with the first data URI that could not be decoded. */
export function malformedAttachment({ endpoint, input, attachments }: Submission): SoundstageError | undefined {
  for (const [text, field] of addresses(input, endpoint.fileFields)) {
    const attachment = attachments.get(text);
    if (attachment !== undefined && 'malformed' in attachment) return downloadError({ field }, attachment.malformed);
  }
  return undefined;
}

/** What an input says where files are named, and the field. */
function addresses(input: unknown, fileFields: readonly string[]): readonly (readonly [string, string])[] {
  const found: [string, string][] = [];
  replaceAddresses(input, fileFields, (address, field) => {
    found.push([address, field]);
    return address;
  });
  return found;
}
