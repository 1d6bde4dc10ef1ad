import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { html } from 'hono/html';
import type { Logger } from '../../shared/logger.ts';
import type { AppContext } from '../app-env.ts';
import { detail } from '../replies.ts';
import { byteRange } from '../storage/byte-range.ts';
import { rootFrom } from './layout/relative-root.ts';
import { safeHeaders } from './layout/safe-headers.ts';

/** Where `npm run build` puts the page. */
const builtPage = fileURLToPath(new URL('../../../web/dist/', import.meta.url));

interface PageFile {
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Absent: it is compressed by its nature. */
  readonly gzipped: Uint8Array<ArrayBuffer> | undefined;
  readonly etag: string;
}

/** The files of the playground page by path, e.g. `/index.html`; empty where it is not built. */
export type Playground = ReadonlyMap<string, PageFile>;

const contentTypes: Readonly<Record<string, string>> = Object.freeze({
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  jpg: 'image/jpeg',
  js: 'text/javascript; charset=utf-8',
  md: 'text/markdown; charset=utf-8',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  svg: 'image/svg+xml',
});

const compress = promisify(gzip);

/** Reads the built page into memory; it is small. A page that is not built is said in the log, and by its reply. */
export async function openPlayground(logger: Pick<Logger, 'warn'>, folder = builtPage): Promise<Playground> {
  const names = await readdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const served = names.filter((name) => contentTypeOf(name) !== undefined);
  if (served.length === 0) logger.warn('the playground page is not built: run `npm run build`');
  const files = await Promise.all(served.map(async (name) => [urlPath(name), await read(folder, name)] as const));
  return new Map(files);
}

const pagePath = '/index.html';

/**
 * The page itself, or what to do where there is none. Its files are found relative to the server's root, which lies as far
 * above as the address of the page is deep.
 */
export function playgroundPage(c: AppContext, playground: Playground): Response | Promise<Response> {
  if (playground.size === 0) return c.html(notBuilt, 503, { ...safeHeaders });
  const root = rootFrom(c);
  const page = playground.get(pagePath);
  if (page === undefined || root === './') return playgroundFile(c, playground, pagePath);
  const based = Buffer.from(page.body).toString().replace('<head>', `<head><base href="${root}">`);
  return c.html(based, 200, {
    ...safeHeaders,
    'cache-control': 'no-cache',
    'content-security-policy': contentSecurityPolicy(c.var.bases.cdn, "'self'"),
  });
}

/** A file of the page. */
export function playgroundFile(c: AppContext, playground: Playground, path: string): Response | Promise<Response> {
  const file = playground.get(path);
  if (file === undefined) return detail(c, 404, 'Not Found');
  const isPage = path === pagePath;
  const headers = {
    ...safeHeaders,
    'content-type': file.contentType,
    etag: file.etag,
    vary: 'accept-encoding',
    // Names of the other files change with their content.
    'cache-control': isPage ? 'no-cache' : 'public, max-age=31536000, immutable',
    ...(isPage && { 'content-security-policy': contentSecurityPolicy(c.var.bases.cdn, "'none'") }),
  };
  if (c.req.header('if-none-match') === file.etag) return c.body(null, 304, headers);
  if (file.gzipped === undefined) return partReply(c, file, headers);
  const takesGzip = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '');
  return takesGzip
    ? c.body(file.gzipped, 200, { ...headers, 'content-encoding': 'gzip' })
    : c.body(file.body, 200, headers);
}

/** Players ask for clips in parts; some show none that they get as a whole. */
function partReply(c: AppContext, { body }: PageFile, common: Readonly<Record<string, string>>): Response {
  const headers = { ...common, 'accept-ranges': 'bytes' };
  const range = byteRange(c.req.header('range'), body.byteLength);
  if (range === undefined) return c.body(body, 200, headers);
  if (range === 'unsatisfiable') {
    return c.body(null, 416, { ...headers, 'content-range': `bytes */${body.byteLength}` });
  }
  const contentRange = `bytes ${range.start}-${range.end}/${body.byteLength}`;
  return c.body(body.slice(range.start, range.end + 1), 206, { ...headers, 'content-range': contentRange });
}

/** Nothing comes from elsewhere, and nothing goes there: scripts, styles and calls are the server's own. */
function contentSecurityPolicy(cdn: string, base: "'self'" | "'none'"): string {
  const files = new URL(cdn).origin;
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' blob: data: ${files}`,
    `media-src 'self' blob: data: ${files}`,
    `connect-src 'self' blob: data: ${files}`,
    `base-uri ${base}`,
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

async function read(folder: string, name: string): Promise<PageFile> {
  const body = new Uint8Array(await readFile(join(folder, name)));
  const contentType = contentTypeOf(name) ?? '';
  const isMedia = /^(?:audio|video|image\/jpeg)/.test(contentType);
  const gzipped = isMedia ? undefined : new Uint8Array(await compress(body, { level: 9 }));
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  return { contentType, body, gzipped, etag };
}

function contentTypeOf(name: string): string | undefined {
  return contentTypes[name.slice(name.lastIndexOf('.') + 1)];
}

function urlPath(name: string): string {
  return `/${name.replaceAll('\\', '/')}`;
}

const notBuilt = html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Soundstage</title>
<h1>The playground is not built</h1>
<p>Run <code>npm run build</code> in the folder of Soundstage and start the server again. The endpoint itself works without it.</p>
</html>
`;
