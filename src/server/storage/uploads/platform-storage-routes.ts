import { Hono } from 'hono';
import { z } from 'zod';
import type { FileStore } from '../../../files/file-store.ts';
import { parseAccessControl } from '../../../files/lifecycle.ts';
import { filePath, lookupFileUrl } from '../../../files/links/file-url.ts';
import type { StoredFile } from '../../../files/stored-file.ts';
import type { AppContext, AppEnv } from '../../app-env.ts';
import { platformError } from '../../platform/platform-error.ts';
import { maxLinkSeconds } from '../file-routes.ts';
import type { StorageDependencies } from '../storage-dependencies.ts';
import { readBody } from './upload-description.ts';

const signing = z.object({ expiration_seconds: z.number().int().min(1).max(maxLinkSeconds) });

/** Access to files and links to them, on the platform host. The caller is known already. */
export function platformStorageRoutes({ bodies, files }: Pick<StorageDependencies, 'bodies' | 'files'>): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get('/v1/storage/files/acl', async (c) => {
    const file = await ownFile(c, files);
    return file === undefined ? notFound(c) : c.json(file.access);
  });
  routes.put('/v1/storage/files/acl', async (c) => {
    const file = await ownFile(c, files);
    if (file === undefined) return notFound(c);
    const access = parseAccessControl(await readBody(c, bodies, z.unknown()));
    await files.setAccess(file.id, access);
    return c.json(access);
  });
  routes.post('/v1/storage/files/sign', async (c) => {
    const file = await ownFile(c, files);
    if (file === undefined) return notFound(c);
    const { expiration_seconds: seconds } = await readBody(c, bodies, signing);
    const signature = files.signature(file.id, new Date(Date.now() + seconds * 1000));
    return c.json({ signed_url: `${c.var.bases.cdn}${filePath(file)}?identity=${signature}` });
  });
  return routes;
}

/** The file that the query names, for its owner alone; the host in its URL does not matter for them. */
async function ownFile(c: AppContext, files: FileStore): Promise<StoredFile | undefined> {
  const url = c.req.query('url') ?? '';
  const id = lookupFileUrl(url, [URL.parse(url)?.host ?? '']);
  const file = id === undefined ? undefined : await files.find(id);
  return file?.owner === c.var.caller.owner ? file : undefined;
}

function notFound(c: AppContext): Response {
  return platformError(c, 404, 'There is no file of yours at this url');
}
