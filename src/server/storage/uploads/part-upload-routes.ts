import type { Hono } from 'hono';
import { unknownUpload } from '../../../files/blobs/blob-store.ts';
import { fileIdOf, filePath } from '../../../files/links/file-url.ts';
import type { AppContext, AppEnv } from '../../app-env.ts';
import { methodNotAllowed } from '../../replies.ts';
import { newStorageRoutes, type StorageDependencies } from '../storage-dependencies.ts';
import { entityTag } from '../validators.ts';
import { uploadBody } from './upload-body.ts';
import { describedByHeaders, readPartList } from './upload-description.ts';
import { uploader } from './uploader.ts';

/** Uploads in parts below the address that the file will have; every request carries a token. */
export function partUploadRoutes(deps: StorageDependencies): Hono<AppEnv> {
  const { files, uploadLimits } = deps;
  const routes = newStorageRoutes();
  routes.post('/files/upload/multipart', async (c) => {
    const pending = await files.reserve(describedByHeaders(c, await uploader(c, deps)));
    const uploadId = await files.parts.start(pending.id);
    return c.json({ access_url: `${c.var.bases.cdn}${pending.path}`, uploadId });
  });
  routes.all('/files/upload/multipart', (c) => methodNotAllowed(c, ['POST']));

  const upload = '/files/b/:shard/:file/multipart/:upload';
  routes.put(`${upload}/:part{[0-9]+}`, async (c) => {
    const id = await ownUpload(c, deps);
    const partNumber = Number(c.req.param('part'));
    const part = await files.parts.write(id, partNumber, uploadBody(c.req.raw, uploadLimits), uploadLimits.bytes);
    c.header('etag', entityTag(part));
    return c.json({ partNumber, etag: entityTag(part) });
  });
  routes.post(`${upload}/complete`, async (c) => {
    const id = await ownUpload(c, deps);
    const { parts } = await readPartList(c, deps.bodies);
    const stored = await files.parts.complete(id, parts, uploadLimits.bytes);
    c.header('etag', entityTag(stored));
    return c.json({ access_url: `${c.var.bases.cdn}${filePath(stored)}` });
  });
  return routes;
}

async function ownUpload(c: AppContext, deps: StorageDependencies): Promise<string> {
  const owner = await uploader(c, deps);
  const { shard = '', file = '', upload = '' } = c.req.param() as Readonly<Record<string, string>>;
  const id = fileIdOf(shard, file);
  if (id === undefined || (await deps.files.parts.owner(id, upload)) !== owner) throw unknownUpload();
  return id;
}
