import type { Readable } from 'node:stream';
import type { Selectable } from 'kysely';
import type { AccessDecision, Lifecycle } from '../database/json-columns.ts';
import type { FilesTable } from '../database/tables.ts';
import type { AccessControl } from './lifecycle.ts';

/** A complete file that has not expired. */
export interface StoredFile {
  readonly id: string;
  readonly owner: string;
  readonly name: string;
  readonly contentType: string;
  /** Bytes. */
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  readonly access: AccessControl;
  /** The request that made it. */
  readonly requestId: string | undefined;
  /** The request that it is part of the input of. */
  readonly inputOf: string | undefined;
  readonly storedAt: Date;
  readonly expiresAt: Date | undefined;
}

export interface OpenedFile {
  readonly file: StoredFile;
  /** Has to be read or destroyed. */
  readonly stream: Readable;
}

/** What is known of a file before its bytes are. */
export interface NewFile {
  readonly owner: string;
  /** As the caller wrote it; made safe. */
  readonly name: string;
  readonly contentType: string;
  readonly requestId?: string | undefined;
  /** The request that it is part of the input of: for its owner alone, and kept until `removeInputsOf`. */
  readonly inputOf?: string | undefined;
  readonly lifecycle?: Lifecycle | undefined;
}

/** The file of a row, unless it is incomplete, removed or expired. */
export function storedFile(row: Selectable<FilesTable>, now = new Date()): StoredFile | undefined {
  const { state, size, etag, stored_at: storedAt, expires_at: expiresAt } = row;
  if (state !== 'stored' || size === null || etag === null || storedAt === null) return undefined;
  if (expiresAt !== null && expiresAt <= now) return undefined;
  return Object.freeze({
    id: row.id,
    owner: row.owner,
    name: row.name,
    contentType: row.content_type,
    size: Number(size),
    etag,
    access: { default: row.access, rules: row.access_rules },
    requestId: row.request_id ?? undefined,
    inputOf: row.input_of ?? undefined,
    storedAt,
    expiresAt: expiresAt ?? undefined,
  });
}

/** What somebody may do with a file; `user` is undefined for somebody who did not say who they are. */
export function accessDecision(file: StoredFile, user: string | undefined): AccessDecision {
  if (user === undefined) return file.access.default;
  if (user === file.owner) return 'allow';
  return file.access.rules.find((rule) => rule.user === user)?.decision ?? file.access.default;
}
