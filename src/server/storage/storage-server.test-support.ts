import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { ApiKeys } from '../../database/keys/api-keys.ts';
import { type DatabaseOptions, openTables } from '../../database/open-database.ts';
import type { BlobStore } from '../../files/blobs/blob-store.ts';
import { FolderBlobStore } from '../../files/blobs/folder-blob-store.ts';
import { FileStore } from '../../files/file-store.ts';
import { LinkSignature } from '../../files/links/link-signature.ts';
import { openWorkFolder } from '../../jobs/work/work-folder.ts';
import { jsonLogger } from '../../shared/logger.ts';
import { Authentication } from '../access/authentication.ts';
import { requireCaller } from '../access/authorization.ts';
import { createTokens } from '../access/tokens.ts';
import { basesOf } from '../addressing/bases.ts';
import type { AppEnv } from '../app-env.ts';
import { Bodies } from '../bodies/bodies.ts';
import { failureReply } from '../error-replies.ts';
import { cdnRoutes } from './cdn-routes.ts';
import { restStorageRoutes } from './uploads/rest-storage-routes.ts';

export interface StorageServerOptions {
  readonly mode?: 'keys' | 'off';
  readonly limit?: number;
  /** Milliseconds. */
  readonly idle?: number;
  readonly openBlobs?: (folder: string) => Promise<BlobStore>;
}

interface Databases {
  newDatabase(kind: 'embedded'): Promise<DatabaseOptions>;
}

/** The storage routes alone, on a port of this machine. */
export interface StorageServer extends AsyncDisposable {
  readonly url: string;
  readonly files: FileStore;
  /** What a failure that is nobody's fault but ours was logged as. */
  readonly failures: readonly string[];
  /** `Authorization` of a new key. */
  newKey(): Promise<{ readonly authorization: string; readonly owner: string }>;
  /** Rows of files, and names of files on disk. */
  traces(): Promise<{ readonly rows: number; readonly names: readonly string[] }>;
  connect(): Promise<Socket>;
}

export async function startStorageServer(
  databases: Databases,
  options: StorageServerOptions = {},
): Promise<StorageServer> {
  const { mode = 'keys', limit = 64 * 2 ** 20, idle = 5000, openBlobs } = options;
  await using opened = new AsyncDisposableStack();
  const { kysely } = opened.use(await openTables(await databases.newDatabase('embedded')));
  const root = await mkdtemp(join(tmpdir(), 'soundstage-storage-'));
  opened.defer(() => rm(root, { recursive: true, force: true }));
  const folder = join(root, 'files');
  await mkdir(folder);
  const blobs = openBlobs === undefined ? new FolderBlobStore(folder) : await openBlobs(folder);
  const files = opened.use(new FileStore({ kysely, blobs, links: new LinkSignature('secret') }));
  const keys = new ApiKeys(kysely);
  const tokens = createTokens(Buffer.alloc(32, 7));
  const authentication = new Authentication({ mode, loopback: true, keys, tokens });
  const work = opened.use(await openWorkFolder(join(root, 'work')));
  const bodies = new Bodies({ largestInput: limit, folder: work });
  const deps = { bodies, files, tokens, authentication, uploadLimits: { bytes: limit, idle } };
  const failures: string[] = [];
  const logger = jsonLogger({ write: (line) => failures.push(line) }, 'error');

  const app = new Hono<AppEnv>();
  app.onError((error) => failureReply(error, logger));
  app.use(async (c, next) => {
    c.set('allowedOrigin', '*');
    c.set('bases', basesOf({ url: new URL(c.req.url), headers: c.req.raw.headers }));
    await next();
  });
  app.use('/rest/*', requireCaller(authentication));
  app.route('/rest', restStorageRoutes(deps));
  app.route('/cdn', cdnRoutes(deps));
  const server = createServer(getRequestListener(app.fetch)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.defer(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  const stack = opened.move();
  return {
    url: `http://127.0.0.1:${port}`,
    files,
    failures,
    newKey: async () => {
      const { id, secret } = await keys.create({ name: 'test', scope: 'API' });
      return { authorization: `Key ${id}:${secret}`, owner: id };
    },
    traces: async () => {
      const rows = await kysely.selectFrom('files').select('id').execute();
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return { rows: rows.length, names: entries.filter((entry) => entry.isFile()).map(({ name }) => name) };
    },
    connect: async () => {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      await once(socket, 'connect');
      return socket;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
