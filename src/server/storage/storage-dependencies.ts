import { Hono } from 'hono';
import type { FileStore } from '../../files/file-store.ts';
import type { Authentication } from '../access/authentication.ts';
import type { Tokens } from '../access/tokens.ts';
import type { AppEnv } from '../app-env.ts';
import type { Bodies } from '../bodies/bodies.ts';
import { detail } from '../replies.ts';
import { storageRefusal } from './storage-refusal.ts';
import type { UploadLimits } from './uploads/upload-body.ts';

export interface StorageDependencies {
  readonly bodies: Bodies;
  readonly files: FileStore;
  readonly tokens: Tokens;
  readonly authentication: Authentication;
  readonly uploadLimits: UploadLimits;
}

/** Routes whose refusals are answered here; any other failure is left to the app they are part of. */
export function newStorageRoutes(): Hono<AppEnv> {
  return new Hono<AppEnv>().onError((error, c) => {
    const refusal = storageRefusal(error);
    if (refusal === undefined) throw error;
    // The rest of a body that nobody wants does not have to be sent.
    // Not after 413: closed while the caller still sends, the connection would take the reply away with a reset.
    const unread: Record<string, string> = refusal.status === 408 ? { connection: 'close' } : {};
    return detail(c, refusal.status, refusal.message, unread);
  });
}
