import type { Hono } from 'hono';
import { z } from 'zod';
import { fileIdOf, filePath } from '../../files/links/file-url.ts';
import type { StoredFile } from '../../files/stored-file.ts';
import type { AppContext, AppEnv } from '../app-env.ts';
import { detail, methodNotAllowed } from '../replies.ts';
import { fileNotFound, fileReply } from './file-reply.ts';
import { newStorageRoutes, type StorageDependencies } from './storage-dependencies.ts';
import { StorageRefusal } from './storage-refusal.ts';
import { readBody } from './uploads/upload-description.ts';
import { reader, uploader } from './uploads/uploader.ts';

const file = '/files/b/:shard/:file';

/** Files as they are read, and links that let others read them. */
export function fileRoutes(deps: StorageDependencies): Hono<AppEnv> {
  const routes = newStorageRoutes();
  routes.get(file, async (c) => {
    const found = await namedFile(c, deps);
    if (found === undefined) return fileNotFound(c);
    // A link is worth as much as the key of whoever signed it.
    const signature = (await deps.authentication.isCurrent(found.owner)) ? c.req.query('identity') : undefined;
    const decision = deps.files.access(found, { user: await reader(c, deps), signature });
    if (decision === 'forbid') return detail(c, 403, 'You may not read this file');
    return decision === 'hide' ? fileNotFound(c) : fileReply(c, deps.files, found);
  });
  routes.all(file, (c) => methodNotAllowed(c, ['GET', 'HEAD']));

  routes.post(`${file}/sign`, async (c) => c.json(await signedLink(c, deps)));
  routes.all(`${file}/sign`, (c) => methodNotAllowed(c, ['POST']));
  return routes;
}

/** Seconds; the hosted platform's limit. */
export const maxLinkSeconds = 7 * 86_400;
const signing = z.object({
  /** Seconds. */
  duration: z.number().positive().max(maxLinkSeconds).default(3600),
  scope: z.literal('read').default('read'),
});

/** A link that lets anybody read the file for a while; for its owner to make. */
async function signedLink(c: AppContext, deps: StorageDependencies): Promise<object> {
  const user = await uploader(c, deps);
  const found = await namedFile(c, deps);
  if (found === undefined || deps.files.access(found, { user }) === 'hide')
    throw new StorageRefusal(404, 'File not found');
  if (found.owner !== user) throw new StorageRefusal(403, 'Only the owner of a file may sign links to it');
  const { duration } = await readBody(c, deps.bodies, signing);
  const expiresAt = new Date(Date.now() + duration * 1000);
  const url = `${c.var.bases.cdn}${filePath(found)}?identity=${deps.files.signature(found.id, expiresAt)}`;
  return { signed_url: url, expires_at: expiresAt.toISOString() };
}

async function namedFile(c: AppContext, { files }: StorageDependencies): Promise<StoredFile | undefined> {
  const { shard = '', file: segment = '' } = c.req.param() as Readonly<Record<string, string>>;
  const id = fileIdOf(shard, segment);
  return id === undefined ? undefined : files.find(id);
}
