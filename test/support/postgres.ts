import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';

const START_MILLISECONDS = 30_000;

/** A PostgreSQL server of its own for one test file. */
export interface TestPostgres extends AsyncDisposable {
  /** Of the database `postgres`. */
  readonly url: string;
  /** Makes an empty database and returns its URL. */
  newDatabase(): Promise<string>;
  /** Kills the server and starts it again, as after a crash; `meanwhile` runs while it is down. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
}

/** Starts the PostgreSQL that is installed on this machine on an empty temporary folder; undefined if none is. */
export async function startPostgres(): Promise<TestPostgres | undefined> {
  const programs = await findPrograms();
  if (programs === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-postgres-'));
  const user = await unprivilegedUser();
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const initdb = [`--pgdata=${data}`, '--username=postgres', '--auth=trust', '--encoding=UTF8', '--no-sync'];
  await promisify(execFile)(join(programs, 'initdb'), initdb, { ...user, cwd: folder });

  const start = async (): Promise<ChildProcess> => {
    const settings = ['listen_addresses=', `unix_socket_directories=${folder}`, 'fsync=off', 'max_connections=200'];
    const flags = settings.flatMap((setting) => ['-c', setting]);
    const server = spawn(join(programs, 'postgres'), ['-D', data, ...flags], { ...user, cwd: folder, stdio: 'ignore' });
    process.once('exit', () => server.kill('SIGQUIT'));
    await untilReady(server, urlOf(folder, 'postgres'));
    return server;
  };
  let server = await start();
  let databases = 0;
  return {
    url: urlOf(folder, 'postgres'),
    newDatabase: async () => {
      const name = `test_${databases++}`;
      await execute(urlOf(folder, 'postgres'), `create database ${name}`);
      return urlOf(folder, name);
    },
    restart: async (meanwhile) => {
      await kill(server);
      try {
        await meanwhile?.();
      } finally {
        server = await start();
      }
    },
    [Symbol.asyncDispose]: async () => {
      await kill(server);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The folder of PostgreSQL's programs, the newest of several. */
async function findPrograms(): Promise<string | undefined> {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? await readdir(debian) : [];
  const installed = versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(debian, version, 'bin'));
  const folders = [...installed, ...(process.env.PATH ?? '').split(delimiter)];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

/** PostgreSQL refuses to run as root. */
async function unprivilegedUser(): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const user = ['postgres', 'nobody'].map((name) => users.find(([found]) => found === name)).find(Boolean);
  if (user === undefined) throw new Error('no user `postgres` or `nobody` to run PostgreSQL as');
  return { uid: Number(user[2]), gid: Number(user[3]) };
}

function urlOf(folder: string, database: string): string {
  return `postgresql://postgres@localhost/${database}?host=${encodeURIComponent(folder)}`;
}

async function untilReady(server: ChildProcess, url: string): Promise<void> {
  for (const end = Date.now() + START_MILLISECONDS; ; ) {
    try {
      return await execute(url, 'select 1');
    } catch (error) {
      if (server.exitCode !== null || Date.now() > end) throw error;
      await sleep(50);
    }
  }
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new Client(url);
  try {
    await client.connect();
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function kill(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill('SIGQUIT');
  await once(server, 'exit');
}
