import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Kysely } from 'kysely';
import { afterAll, describe, expect, test } from 'vitest';
import { startDatabases } from '../../test/support/databases/databases.ts';
import { openTables } from '../database/open-database.ts';
import type { Tables } from '../database/tables.ts';
import { FolderBlobStore } from './blobs/folder-blob-store.ts';
import { FileStore } from './file-store.ts';
import { filePath } from './links/file-url.ts';
import { LinkSignature } from './links/link-signature.ts';
import type { NewFile } from './stored-file.ts';

const databases = await startDatabases();
const root = await mkdtemp(join(tmpdir(), 'soundstage-files-'));
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
  await databases[Symbol.asyncDispose]();
});

const day = 86_400_000;
const ann = { owner: 'ann', name: 'hello.txt', contentType: 'text/plain' } satisfies NewFile;

interface Setup {
  readonly kysely: Kysely<Tables>;
  readonly files: FileStore;
  readonly blobs: FolderBlobStore;
  readonly folder: string;
  /** Names of all files on disk. */
  leftovers(): Promise<string[]>;
}

async function* bytes(...parts: (string | Uint8Array | Error)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part;
    yield Buffer.from(part);
  }
}

describe.each(databases.kinds)('files (%s)', (kind) => {
  const check = (what: string, body: (setup: Setup) => Promise<void>, retention?: number) =>
    test(what, async () => {
      await using tables = await openTables(await databases.newDatabase(kind));
      const folder = await mkdtemp(join(root, 'store-'));
      const blobs = new FolderBlobStore(folder);
      const links = new LinkSignature('secret');
      await using files = new FileStore({ kysely: tables.kysely, blobs, retention, links });
      const leftovers = async () => {
        const entries = await readdir(folder, { recursive: true, withFileTypes: true });
        return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
      };
      await body({ kysely: tables.kysely, files, blobs, folder, leftovers });
    });

  const rows = (kysely: Kysely<Tables>) => kysely.selectFrom('files').selectAll().execute();

  async function localFile(content: string): Promise<string> {
    const path = join(root, randomUUID());
    await writeFile(path, content);
    return path;
  }

  async function request(kysely: Kysely<Tables>, state: 'IN_PROGRESS' | 'COMPLETED'): Promise<string> {
    const id = randomUUID();
    const status = state === 'COMPLETED' ? 200 : null;
    await kysely
      .insertInto('requests')
      .values({
        id,
        endpoint: 'e',
        owner: 'ann',
        surface: 'queue',
        state,
        priority: 0,
        caller: '{}',
        listed: true,
        status_code: status,
      })
      .execute();
    return id;
  }

  check('a stored file is found and read', async ({ files }) => {
    const stored = await files.store({ ...ann, name: '../ü.txt' }, bytes('hello ', 'world'), 100);
    expect(stored).toMatchObject({ owner: 'ann', name: '_ü.txt', contentType: 'text/plain', size: 11 });
    expect(stored.expiresAt).toBeUndefined();
    expect(await files.find(stored.id)).toEqual(stored);
    const opened = await files.open(stored.id, { start: 6, end: 10 });
    expect(opened && (await text(opened.stream))).toBe('world');
  });

  check('a failed upload leaves neither row nor blob', async ({ files, kysely, leftovers }) => {
    await expect(files.store(ann, bytes('12345', '6'), 5)).rejects.toMatchObject({ type: 'file_too_large' });
    await expect(files.store(ann, bytes('1', new Error('gone')), 5)).rejects.toThrow('gone');
    expect(await rows(kysely)).toEqual([]);
    expect(await leftovers()).toEqual([]);
  });

  check('a produced file appears with the transaction', async ({ files, kysely }) => {
    const requestId = await request(kysely, 'IN_PROGRESS');
    const path = await localFile('clip');
    const pending = await files.reserve({ ...ann, requestId });
    await pending.write(path);
    expect(existsSync(path)).toBe(false);
    expect(await files.find(pending.id)).toBeUndefined();
    const failing = kysely.transaction().execute(async (transaction) => {
      await pending.commit(transaction);
      throw new Error('rolled back');
    });
    await expect(failing).rejects.toThrow('rolled back');
    expect(await files.find(pending.id)).toBeUndefined();
    await kysely.transaction().execute((transaction) => pending.commit(transaction));
    expect(await files.find(pending.id)).toMatchObject({ requestId, size: 4 });
    await pending.discard();
    expect(await files.find(pending.id)).toBeDefined();
    await files.removeOfRequest(requestId);
    expect(await rows(kysely)).toEqual([]);
  });

  check('a discarded file is gone, and cannot be committed any more', async ({ files, kysely, leftovers }) => {
    const pending = await files.reserve(ann);
    await pending.write(await localFile('clip'));
    await pending.discard();
    expect(await rows(kysely)).toEqual([]);
    expect(await leftovers()).toEqual([]);
    await expect(pending.commit()).rejects.toThrow('removed');
  });

  check('the same bytes may be sent again, others may not', async ({ files, leftovers }) => {
    const { id } = await files.reserve(ann);
    const first = await files.receive(id, bytes('hello'), 100);
    expect(await files.receive(id, bytes('hel', 'lo'), 100)).toEqual(first);
    await expect(files.receive(id, bytes('HELLO'), 100)).rejects.toThrow('other content');
    const opened = await files.open(id);
    expect(opened && (await text(opened.stream))).toBe('hello');
    expect(await leftovers()).toEqual([id]);
  });

  check('of many uploads to one address at once, one wins and stays whole', async ({ files, leftovers }) => {
    const { id } = await files.reserve(ann);
    const contents = Array.from({ length: 12 }, (_, index) => String(index).repeat(1000 + index));
    const results = await Promise.allSettled(contents.map((content) => files.receive(id, bytes(content), 1e5)));
    const winners = results.filter(({ status }) => status === 'fulfilled');
    expect(winners).toHaveLength(1);
    const opened = await files.open(id);
    const read = opened && (await text(opened.stream));
    expect(read).toBe(contents[results.findIndex(({ status }) => status === 'fulfilled')]);
    expect(opened?.file.size).toBe(read?.length);
    expect(await leftovers()).toEqual([id]);
  });

  check('an upload that was removed meanwhile leaves nothing', async ({ files, kysely, leftovers }) => {
    const { id } = await files.reserve(ann);
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a');
      await files.remove(id);
      yield Buffer.from('b');
    }
    await expect(files.receive(id, slow(), 100)).rejects.toMatchObject({ type: 'unknown_upload' });
    await expect(files.receive(id, bytes('x'), 100)).rejects.toMatchObject({ type: 'unknown_upload' });
    expect(await rows(kysely)).toEqual([]);
    expect(await leftovers()).toEqual([]);
  });

  check('a file whose disk fails can be sent again', async ({ files, folder }) => {
    const { id } = await files.reserve(ann);
    const obstacle = join(folder, 'blobs');
    await writeFile(obstacle, '');
    await expect(files.receive(id, bytes('hello'), 100)).rejects.toThrow();
    await rm(obstacle);
    expect(await files.receive(id, bytes('hello'), 100)).toMatchObject({ size: 5 });
  });

  check('an expired file is gone before the sweep and deleted by it', async ({ files, kysely, leftovers }) => {
    const lifecycle = { expiration_duration_seconds: 0.3 };
    const stored = await files.store({ ...ann, lifecycle }, bytes('x'), 1);
    const kept = await files.store(ann, bytes('y'), 1);
    expect(await files.find(stored.id)).toBeDefined();
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await files.find(stored.id)).toBeUndefined();
    expect(await files.open(stored.id)).toBeUndefined();
    await files.sweep();
    expect((await rows(kysely)).map(({ id }) => id)).toEqual([kept.id]);
    expect(await leftovers()).toEqual([kept.id]);
  });

  check(
    'the retention applies where the lifecycle says nothing',
    async ({ files }) => {
      const days = ({ expiresAt, storedAt }: { expiresAt: Date | undefined; storedAt: Date }) =>
        expiresAt === undefined ? undefined : (expiresAt.getTime() - storedAt.getTime()) / day;
      expect(days(await files.store(ann, bytes('x'), 1))).toBeCloseTo(2);
      const lifecycle = { expiration_duration_seconds: null };
      expect(days(await files.store({ ...ann, lifecycle }, bytes('x'), 1))).toBeCloseTo(2);
      const longer = { expiration_duration_seconds: 3 * 86_400 };
      expect(days(await files.store({ ...ann, lifecycle: longer }, bytes('x'), 1))).toBeCloseTo(3);
    },
    2 * 86_400,
  );

  check('what is pending goes when its time or its request is over', async ({ files, kysely, leftovers }) => {
    const upload = await files.reserve(ann);
    const running = await files.reserve({ ...ann, requestId: await request(kysely, 'IN_PROGRESS') });
    const over = await files.reserve({ ...ann, requestId: await request(kysely, 'COMPLETED') });
    const unknown = await files.reserve({ ...ann, requestId: randomUUID() });
    for (const pending of [running, over, unknown]) await pending.write(await localFile('x'));
    await files.sweep();
    expect((await rows(kysely)).map(({ id }) => id).toSorted()).toEqual([upload.id, running.id].toSorted());
    expect(await leftovers()).toEqual([running.id]);
    await files.sweep(new Date(Date.now() + 2 * day));
    expect(await rows(kysely)).toEqual([]);
    expect(await leftovers()).toEqual([]);
  });

  check('a blob without a row is found and removed, once it is old', async ({ files, blobs, leftovers }) => {
    const stray = randomBytes(16).toString('hex');
    await blobs.write(stray, bytes('x'), { limit: 1 });
    const kept = await files.store(ann, bytes('y'), 1);
    await files.sweep();
    expect((await leftovers()).toSorted()).toEqual([stray, kept.id].toSorted());
    await files.sweep(new Date(Date.now() + 3 * day));
    expect(await leftovers()).toEqual([kept.id]);
  });

  check('thousands of expired files are swept, several sweeps at a time', async ({ files, kysely, leftovers }) => {
    const lifecycle = { expiration_duration_seconds: 0.001 };
    for (let round = 0; round < 15; round++) {
      await Promise.all(
        Array.from({ length: 40 }, () => files.store({ ...ann, lifecycle }, bytes('x'), 1).catch(() => {})),
      );
    }
    await Promise.all([files.sweep(), files.sweep(), files.sweep()]);
    expect(await rows(kysely)).toEqual([]);
    expect(await leftovers()).toEqual([]);
  });

  check('owner, rules, default and signed links decide who reads', async ({ files }) => {
    const rules = [
      { user: 'bob', decision: 'allow' },
      { user: 'eve', decision: 'hide' },
    ] as const;
    const stored = await files.store(
      { ...ann, lifecycle: { initial_acl: { default: 'forbid', rules } } },
      bytes('x'),
      1,
    );
    const decide = (user?: string, signature?: string) => files.access(stored, { user, signature });
    expect([decide('ann'), decide('bob'), decide('eve'), decide('joe'), decide()]).toEqual([
      'allow',
      'allow',
      'hide',
      'forbid',
      'forbid',
    ]);
    const signature = files.signature(stored.id, new Date(Date.now() + 60_000));
    expect(decide(undefined, signature)).toBe('allow');
    const [until = '', digest = ''] = signature.split('.');
    const forged = [
      files.signature(stored.id, new Date(Date.now() - 1000)),
      files.signature('0'.repeat(32), new Date(Date.now() + 60_000)),
      `${Number(until) + 1}.${digest}`,
      `${signature}x`,
      '',
      '.',
    ];
    for (const wrong of forged) expect(decide(undefined, wrong)).toBe('forbid');
    await files.setAccess(stored.id, { default: 'allow', rules: [] });
    const changed = await files.find(stored.id);
    expect(changed && files.access(changed, { user: undefined })).toBe('allow');
  });

  check('own URLs are opened from the store, for those who may', async ({ files }) => {
    const hidden = { initial_acl: { default: 'hide' } } as const;
    const stored = await files.store({ ...ann, lifecycle: hidden }, bytes('hello'), 10);
    const url = `http://localhost:8000/cdn${filePath(stored)}`;
    const open = (address: string, user: string) => files.openUrl(address, { ownHosts: ['localhost:8000'], user });
    const opened = await open(url, 'ann');
    expect(opened && (await text(opened.stream))).toBe('hello');
    await expect(open(url, 'bob')).rejects.toMatchObject({ type: 'file_download_error' });
    const signature = files.signature(stored.id, new Date(Date.now() + 60_000));
    const signed = await open(`${url}?identity=${signature}`, 'bob');
    expect(signed && (await text(signed.stream))).toBe('hello');
    expect(await open('https://example.com/a.mp3', 'ann')).toBeUndefined();
    await files.remove(stored.id);
    await expect(open(url, 'ann')).rejects.toThrow(/does not exist or has expired/);
  });

  describe('in parts', () => {
    const list = (...parts: { partNumber: number; etag: string }[]) => parts;

    check('parts in any order, at once and again', async ({ files, kysely, leftovers }) => {
      const { id } = await files.reserve(ann);
      const uploadId = await files.parts.start(id);
      expect(await files.parts.owner(id, uploadId)).toBe('ann');
      expect(await files.parts.owner(id, 'other')).toBeUndefined();
      await files.parts.write(id, 2, bytes('WRONG'), 100);
      const numbers = [3, 1, 2];
      const parts = await Promise.all(
        numbers.map(async (partNumber) => {
          const { etag } = await files.parts.write(id, partNumber, bytes(`part${partNumber};`), 100);
          return { partNumber, etag: `"${etag}"` };
        }),
      );
      expect(await files.find(id)).toBeUndefined();
      const [one, two] = await Promise.all([
        files.parts.complete(id, parts, 100),
        files.parts.complete(id, parts, 100),
      ]);
      expect(two).toEqual(one);
      const opened = await files.open(id);
      expect(opened && (await text(opened.stream))).toBe('part1;part2;part3;');
      expect(await files.parts.complete(id, [], 100)).toEqual(one);
      expect(await leftovers()).toEqual([id]);
      expect(await kysely.selectFrom('upload_parts').selectAll().execute()).toEqual([]);
      await expect(files.parts.write(id, 4, bytes('x'), 100)).rejects.toMatchObject({ type: 'unknown_upload' });
    });

    check('missing, changed, repeated and empty parts are refused; then all is well', async ({ files }) => {
      const { id } = await files.reserve(ann);
      await files.parts.start(id);
      const one = { partNumber: 1, ...(await files.parts.write(id, 1, bytes('1'), 100)) };
      const empty = { partNumber: 2, ...(await files.parts.write(id, 2, bytes(), 100)) };
      const three = { partNumber: 3, ...(await files.parts.write(id, 3, bytes('3'), 100)) };
      const complete = (parts: { partNumber: number; etag: string }[]) => files.parts.complete(id, parts, 100);
      await expect(complete([])).rejects.toThrow('list the parts');
      await expect(complete(list(one, three))).rejects.toThrow('part 2 is missing');
      await expect(complete(list(one, one))).rejects.toThrow('listed twice');
      await expect(complete(list({ ...one, etag: 'x' }))).rejects.toThrow('another etag');
      await expect(complete(list(one, empty, three))).rejects.toThrow('part 2 is empty');
      await expect(complete(list(one, empty, three, { partNumber: 4, etag: 'x' }))).rejects.toThrow('was not uploaded');
      const two = { partNumber: 2, ...(await files.parts.write(id, 2, bytes('2'), 100)) };
      expect(await complete(list(three, one, two))).toMatchObject({ size: 3 });
    });

    check('a lone empty part is an empty file', async ({ files }) => {
      const { id } = await files.reserve(ann);
      await files.parts.start(id);
      const { etag } = await files.parts.write(id, 1, bytes(), 100);
      expect(await files.parts.complete(id, [{ partNumber: 1, etag }], 100)).toMatchObject({ size: 0 });
    });

    check('the limit is that of the whole file', async ({ files, leftovers }) => {
      const { id } = await files.reserve(ann);
      await files.parts.start(id);
      const one = await files.parts.write(id, 1, bytes('123456'), 10);
      await expect(files.parts.write(id, 2, bytes('123456'), 10)).rejects.toMatchObject({ type: 'file_too_large' });
      await files.parts.write(id, 1, bytes('1234567890'), 10);
      await expect(files.parts.complete(id, [{ partNumber: 1, etag: one.etag }], 10)).rejects.toThrow('another etag');
      await files.remove(id);
      expect(await leftovers()).toEqual([]);
    });

    check('part numbers and foreign uploads', async ({ files }) => {
      const { id } = await files.reserve(ann);
      await expect(files.parts.write(id, 1, bytes('x'), 10)).rejects.toMatchObject({ type: 'unknown_upload' });
      await files.parts.start(id);
      for (const number of [0, -1, 1.5, 10_001]) {
        await expect(files.parts.write(id, number, bytes('x'), 10)).rejects.toThrow('numbered from 1');
      }
      await expect(files.receive(id, bytes('x'), 10)).rejects.toMatchObject({ type: 'unknown_upload' });
      await expect(files.parts.complete('0'.repeat(32), [], 10)).rejects.toMatchObject({ type: 'unknown_upload' });
    });

    check('an abandoned upload is swept with its parts', async ({ files, kysely, leftovers }) => {
      const { id } = await files.reserve(ann);
      await files.parts.start(id);
      await files.parts.write(id, 1, bytes('x'), 10);
      await files.sweep(new Date(Date.now() + 2 * day));
      expect(await rows(kysely)).toEqual([]);
      expect(await leftovers()).toEqual([]);
    });

    check('a part that arrives after the end stays nowhere', async ({ files, leftovers }) => {
      const { id } = await files.reserve(ann);
      await files.parts.start(id);
      const { etag } = await files.parts.write(id, 1, bytes('1'), 10);
      async function* late(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('2');
        await files.parts.complete(id, [{ partNumber: 1, etag }], 10);
      }
      await expect(files.parts.write(id, 2, late(), 10)).rejects.toMatchObject({ type: 'unknown_upload' });
      expect(await leftovers()).toEqual([id]);
    });
  });
});
