import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import { z } from 'zod';
import { setting } from '../database/settings.ts';
import type { Tables } from '../database/tables.ts';
import type { Configuration } from '../shared/configuration.ts';
import type { BlobStore } from './blobs/blob-store.ts';
import { FolderBlobStore } from './blobs/folder-blob-store.ts';
import { FileStore } from './file-store.ts';
import { LinkSignature } from './links/link-signature.ts';

/**
 * The files of this installation: in a bucket where one is configured, else in the data folder.
 *
 * @throws SoundstageError `network` when the bucket cannot be used
 */
export async function openFileStore(kysely: Kysely<Tables>, configuration: Configuration): Promise<FileStore> {
  const secret = await setting(kysely, 'link_secret', z.string(), () => randomBytes(32).toString('base64url'));
  return new FileStore({
    kysely,
    blobs: await openBlobs(configuration),
    retention: configuration.SOUNDSTAGE_FILE_RETENTION,
    links: new LinkSignature(secret),
  });
}

async function openBlobs(configuration: Configuration): Promise<BlobStore> {
  const folder = join(configuration.SOUNDSTAGE_DATA, 'files');
  const bucket = configuration.SOUNDSTAGE_S3_BUCKET;
  if (bucket === undefined) return new FolderBlobStore(folder);
  // The client is large and most installations have no use for it.
  const { S3BlobStore } = await import('./blobs/s3-blob-store.ts');
  const store = new S3BlobStore({
    bucket,
    endpoint: configuration.SOUNDSTAGE_S3_ENDPOINT,
    region: configuration.SOUNDSTAGE_S3_REGION,
    spool: join(folder, 'spool'),
  });
  try {
    await store.check();
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
  return store;
}
