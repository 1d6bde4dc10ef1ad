import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { startDatabases } from '../../test/support/databases/databases.ts';
import { ApiKeys } from '../database/keys/api-keys.ts';
import { controlSocketPath } from '../database/keys/control-socket.ts';
import { serveKeyControl } from '../database/keys/key-control.ts';
import { type DatabaseOptions, openTables } from '../database/open-database.ts';
import { keysCommand } from './keys-command.ts';

const databases = await startDatabases();
afterAll(() => databases[Symbol.asyncDispose]());
afterEach(() => {
  process.exitCode = undefined;
});

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

async function keys({ dataFolder, databaseUrl }: DatabaseOptions, ...args: readonly string[]): Promise<Outcome> {
  const written = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const env = { SOUNDSTAGE_DATA: dataFolder, DATABASE_URL: databaseUrl };
  const command = keysCommand({ stdout: output('stdout'), stderr: output('stderr'), env });
  await command.parseAsync(args, { from: 'user' });
  const code = Number(process.exitCode ?? 0);
  process.exitCode = undefined;
  return { ...written, code };
}

describe.each(databases.kinds)('soundstage keys (%s)', (kind) => {
  test('creates, lists and revokes without a server', async () => {
    const options = await databases.newDatabase(kind);
    const created = await keys(options, 'create', '--name', 'laptop');
    expect(created).toMatchObject({ stderr: '', code: 0 });
    const [id = '', secret = ''] = created.stdout.trim().split(':');
    {
      await using tables = await openTables(options);
      expect(await new ApiKeys(tables.kysely).verify(id, secret)).toEqual({ owner: id, scope: 'API' });
    }
    const admin = JSON.parse((await keys(options, 'create', '--admin', '--json')).stdout);
    expect(admin).toEqual({ id: expect.any(String), secret: expect.any(String), key: `${admin.id}:${admin.secret}` });

    const { stdout } = await keys(options, 'list');
    expect(stdout).toMatch(
      new RegExp(`^ID +SCOPE +CREATED +STATE +NAME\n${id} +API .* valid +laptop\n${admin.id} +ADMIN `),
    );
    expect(stdout).not.toContain(secret);

    expect(await keys(options, 'revoke', id)).toEqual({ stdout: `revoked ${id}\n`, stderr: '', code: 0 });
    expect(await keys(options, 'revoke', id)).toMatchObject({
      stdout: '',
      stderr: expect.stringContaining(id),
      code: 2,
    });
    expect(JSON.parse((await keys(options, 'list', '--json')).stdout)).toMatchObject([
      { id, name: 'laptop', scope: 'API', revokedAt: expect.any(String) },
      { id: admin.id, revokedAt: null },
    ]);
  });

  test('works on a server that is running, which knows at once', async () => {
    const options = await databases.newDatabase(kind);
    await using tables = await openTables(options);
    const running = new ApiKeys(tables.kysely);
    await using _control = await serveKeyControl(running, controlSocketPath(options.dataFolder));
    expect(await running.any()).toBe(false);
    const { id, secret } = JSON.parse((await keys(options, 'create', '--json')).stdout);
    // With PostgreSQL the command writes there, and the server reads again within a second.
    if (kind === 'server') await sleep(1000);
    expect(await running.verify(id, secret)).toBeDefined();
    expect((await keys(options, 'list')).stdout).toContain(id);
    await keys(options, 'revoke', id);
    if (kind === 'server') await sleep(1000);
    expect(await running.verify(id, secret)).toBeUndefined();
  });
});

test('waits for a server that is still starting', async () => {
  const options = await databases.newDatabase('embedded');
  await using tables = await openTables(options);
  const creating = keys(options, 'create', '--json');
  await sleep(2500);
  await using _control = await serveKeyControl(new ApiKeys(tables.kysely), controlSocketPath(options.dataFolder));
  expect(JSON.parse((await creating).stdout)).toMatchObject({ key: expect.any(String) });
});

test('makes the database where there is none yet', async () => {
  const { dataFolder } = await databases.newDatabase('embedded');
  const created = await keys({ dataFolder: '/nowhere' }, 'create', '--data', `${dataFolder}/new/folder`);
  expect(created.stdout).toMatch(/^[0-9a-f-]{36}:[0-9a-f]{32}\n$/);
});

test('a database that cannot be reached is a clear error', async () => {
  const failed = await keys({ dataFolder: '/nowhere', databaseUrl: 'postgresql://127.0.0.1:1/a' }, 'list');
  expect(failed).toMatchObject({ stdout: '', stderr: expect.stringContaining('(DATABASE_URL)'), code: 5 });
});

test.each([[''], ['/below/it']])('an impossible data folder is said in one line: a file%s', async (below) => {
  const dataFolder = `${import.meta.filename}${below}`;
  const { code, stderr } = await keys({ dataFolder }, 'list');
  expect([code, stderr]).toEqual([2, expect.stringMatching(/^the data folder .* cannot be used: .*is a file.*\n$/)]);
});
