import { Readable } from 'node:stream';
import type { ByteRange } from '../../files/blobs/blob-store.ts';
import { isShownInline, safeContentType } from '../../files/content-type.ts';
import type { FileStore } from '../../files/file-store.ts';
import { contentDisposition } from '../../files/links/file-name.ts';
import type { StoredFile } from '../../files/stored-file.ts';
import type { AppContext } from '../app-env.ts';
import { detail } from '../replies.ts';
import { byteRange } from './byte-range.ts';
import { entityTag, isNotModified, lastModified, rangeApplies } from './validators.ts';

/** Seconds a public file may be kept by caches, which do not hear of it being deleted. */
const cacheSeconds = 3600;

/** The reply to `GET` or `HEAD` of a file that the caller may read. */
export async function fileReply(c: AppContext, files: FileStore, file: StoredFile): Promise<Response> {
  const header = (name: string) => c.req.header(name);
  const headers = fileHeaders(file);
  if (isNotModified(file, header)) return c.body(null, 304, headers);
  const range = rangeApplies(file, header) ? byteRange(header('range'), file.size) : undefined;
  if (range === 'unsatisfiable') {
    return detail(c, 416, 'The range lies behind the end of the file', { 'content-range': `bytes */${file.size}` });
  }
  const { size = file.size, ...partial } = range === undefined ? {} : rangeHeaders(range, file.size);
  const all = { ...headers, ...partial, 'content-length': String(size) };
  const status = range === undefined ? 200 : 206;
  if (c.req.method === 'HEAD') return c.body(null, status, all);
  const opened = await files.open(file.id, range);
  if (opened === undefined) return fileNotFound(c);
  return c.body(Readable.toWeb(opened.stream) as ReadableStream<Uint8Array>, status, all);
}

export function fileNotFound(c: AppContext): Response {
  return detail(c, 404, 'File not found');
}

function fileHeaders(file: StoredFile): Record<string, string> {
  // Again, since a file may have been stored under older rules.
  const contentType = safeContentType(file.contentType);
  const kind = isShownInline(contentType) ? 'inline' : 'attachment';
  const open = file.access.default === 'allow';
  return {
    'content-type': contentType,
    'content-disposition': contentDisposition(kind, file.name),
    'accept-ranges': 'bytes',
    etag: entityTag(file),
    'last-modified': new Date(lastModified(file)).toUTCString(),
    'cache-control': open ? `public, max-age=${cacheableSeconds(file)}` : 'private, no-store',
    // What somebody uploaded must not act in the name of this server.
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    'cross-origin-resource-policy': 'cross-origin',
  };
}

function cacheableSeconds({ expiresAt }: StoredFile): number {
  const left = expiresAt === undefined ? cacheSeconds : Math.floor((expiresAt.getTime() - Date.now()) / 1000);
  return Math.max(0, Math.min(cacheSeconds, left));
}

function rangeHeaders({ start, end }: ByteRange, total: number): { size: number; 'content-range': string } {
  return { size: end - start + 1, 'content-range': `bytes ${start}-${end}/${total}` };
}
