import type { Hono } from 'hono';
import { z } from 'zod';
import { unknownUpload } from '../../../files/blobs/blob-store.ts';
import { pendingSeconds } from '../../../files/file-store.ts';
import { filePath, lookupFileUrl } from '../../../files/links/file-url.ts';
import type { AppContext, AppEnv } from '../../app-env.ts';
import { methodNotAllowed } from '../../replies.ts';
import { newStorageRoutes, type StorageDependencies } from '../storage-dependencies.ts';
import { describedByBody, readBody } from './upload-description.ts';

export type { StorageDependencies } from '../storage-dependencies.ts';

/** Seconds for which one token uploads files. */
const tokenSeconds = 3600;

/** Where uploads begin, on the REST host. The caller is known already. */
export function restStorageRoutes(deps: StorageDependencies): Hono<AppEnv> {
  const routes = newStorageRoutes();
  routes.post('/storage/upload/initiate', async (c) => c.json(await initiate(c, deps, false)));
  routes.post('/storage/upload/initiate-multipart', async (c) => c.json(await initiate(c, deps, true)));
  routes.post('/storage/upload/complete-multipart', async (c) => c.json(await complete(c, deps)));
  routes.post('/storage/auth/token', async (c) => c.json(await uploadToken(c, deps)));
  routes.all('/storage/upload/:step{initiate|initiate-multipart|complete-multipart}', (c) =>
    methodNotAllowed(c, ['POST']),
  );
  routes.all('/storage/auth/token', (c) => methodNotAllowed(c, ['POST']));
  return routes;
}

/** Reserves a file; whoever has the `upload_url` may fill it, without credentials. */
async function initiate(
  c: AppContext,
  { bodies, files, tokens }: StorageDependencies,
  inParts: boolean,
): Promise<object> {
  const file = await describedByBody(c, bodies);
  const pending = await files.reserve(file);
  if (inParts) await files.parts.start(pending.id);
  const token = await tokens.issue('upload', { file: pending.id }, pendingSeconds);
  const base = c.var.bases.cdn;
  return {
    upload_url: `${base}/files/upload/${pending.id}?token=${token}`,
    file_url: `${base}${pending.path}`,
  };
}

const completion = z.object({
  file_url: z.string().optional(),
  access_url: z.string().optional(),
  upload_url: z.string().optional(),
  parts: z.array(z.object({ partNumber: z.number().int(), etag: z.string().max(200) })).max(10_000),
});

/** No client is known to call this; it takes any of the URLs that an upload was begun with. */
async function complete(c: AppContext, { bodies, files, uploadLimits }: StorageDependencies): Promise<object> {
  const { parts, ...named } = await readBody(c, bodies, completion);
  const id = uploadOf(named.file_url ?? named.access_url ?? named.upload_url ?? '');
  if (id === undefined || (await files.ownerOf(id)) !== c.var.caller.owner) throw unknownUpload();
  const file = await files.parts.complete(id, parts, uploadLimits.bytes);
  const url = `${c.var.bases.cdn}${filePath(file)}`;
  return { file_url: url, access_url: url };
}

/** The host does not matter: only the owner of the file gets here. */
function uploadOf(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null) return undefined;
  return lookupFileUrl(text, [url.host]) ?? /\/files\/upload\/([0-9a-f]{32})$/.exec(url.pathname)?.[1];
}

async function uploadToken(c: AppContext, { tokens }: StorageDependencies): Promise<object> {
  const token = await tokens.issue('cdn', { owner: c.var.caller.owner }, tokenSeconds);
  const expiresAt = new Date(Date.now() + tokenSeconds * 1000);
  return {
    token,
    token_type: 'Bearer',
    base_url: c.var.bases.cdn,
    // Python before 3.11 reads neither `Z` nor fractions of every length.
    expires_at: expiresAt.toISOString().replace(/\.\d+Z$/, '+00:00'),
  };
}
