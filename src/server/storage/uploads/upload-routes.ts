import type { Hono } from 'hono';
import { unknownUpload } from '../../../files/blobs/blob-store.ts';
import { filePath } from '../../../files/links/file-url.ts';
import type { AppContext, AppEnv } from '../../app-env.ts';
import { methodNotAllowed } from '../../replies.ts';
import { newStorageRoutes, type StorageDependencies } from '../storage-dependencies.ts';
import { StorageRefusal } from '../storage-refusal.ts';
import { entityTag } from '../validators.ts';
import { uploadBody } from './upload-body.ts';
import { describedByHeaders, readPartList } from './upload-description.ts';
import { uploader } from './uploader.ts';

/**
 * Uploads in one request, and the addresses given out by `initiate`, which carry their permission in the query: in one
 * request, or in parts.
 */
export function uploadRoutes(deps: StorageDependencies): Hono<AppEnv> {
  const { files, uploadLimits } = deps;
  const routes = newStorageRoutes();
  routes.post('/files/upload', async (c) => {
    const file = describedByHeaders(c, await uploader(c, deps));
    const stored = await files.store(file, uploadBody(c.req.raw, uploadLimits), uploadLimits.bytes);
    c.header('etag', entityTag(stored));
    return c.json({ access_url: `${c.var.bases.cdn}${filePath(stored)}` });
  });
  routes.all('/files/upload', (c) => methodNotAllowed(c, ['POST']));

  routes.put('/files/upload/:id', async (c) => {
    const id = await permitted(c, deps);
    const stored = await files.receive(id, uploadBody(c.req.raw, uploadLimits), uploadLimits.bytes);
    c.header('etag', entityTag(stored));
    return c.json({ file_url: `${c.var.bases.cdn}${filePath(stored)}` });
  });
  routes.put('/files/upload/:id/:part{[0-9]+}', async (c) => {
    const id = await permitted(c, deps);
    const partNumber = Number(c.req.param('part'));
    const part = await files.parts.write(id, partNumber, uploadBody(c.req.raw, uploadLimits), uploadLimits.bytes);
    c.header('etag', entityTag(part));
    return c.json({ partNumber, etag: entityTag(part) });
  });
  routes.post('/files/upload/:id/complete', async (c) => {
    const id = await permitted(c, deps);
    const { parts } = await readPartList(c, deps.bodies);
    const stored = await files.parts.complete(id, parts, uploadLimits.bytes);
    c.header('etag', entityTag(stored));
    return c.json({ file_url: `${c.var.bases.cdn}${filePath(stored)}` });
  });
  return routes;
}

/** The reserved file that this request may fill, for as long as the key is good with which it was reserved. */
async function permitted(c: AppContext, { tokens, files, authentication }: StorageDependencies): Promise<string> {
  const token = c.req.query('token') ?? '';
  if (token === '') throw new StorageRefusal(401, 'the address of the upload lacks its token');
  const claims = await tokens.verify('upload', token);
  if (claims === undefined) throw new StorageRefusal(403, 'the token of this upload is not valid, or over');
  const owner = claims.file === c.req.param('id') ? await files.ownerOf(claims.file) : undefined;
  if (owner === undefined) throw unknownUpload();
  if (!(await authentication.isCurrent(owner))) {
    throw new StorageRefusal(403, 'the key is no longer valid with which this upload was begun');
  }
  return claims.file;
}
