import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { databaseTemplate, openAndClose } from './database-template.ts';

const startMilliseconds = 30_000;
/** Name of the database that others are copied from. */
export const withTables = 'with_tables';
export const withoutTables = 'template1';

/** Databases of this process. */
let made = 0;

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** A PostgreSQL server of its own for one test file. */
export interface TestPostgres extends AsyncDisposable {
  /** Of the database `postgres`. */
  readonly url: string;
  /** Makes a database that has its tables, but no rows, and returns its URL. */
  newDatabase(): Promise<string>;
  /** The same without tables. */
  newBareDatabase(): Promise<string>;
  /** Kills the server and starts it again, as after a crash; `meanwhile` runs while it is down. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
}

/** Starts the PostgreSQL that is installed on this machine on an empty temporary folder; undefined if none is. */
export async function startPostgres(): Promise<TestPostgres | undefined> {
  const programs = await findPrograms();
  if (programs === undefined) return undefined;
  const user = await unprivilegedUser();
  const { stdout: version } = await promisify(execFile)(join(programs, 'postgres'), ['--version']);
  const template = await databaseTemplate('postgres', version, (folder) => makeTemplate(programs, user, folder));
  const folder = await newFolder(user);
  // As its owner keeps it: PostgreSQL insists on that.
  await promisify(execFile)('cp', ['-a', join(template, 'data'), folder]);

  let server = await start(programs, user, folder);
  const databases = new PostgresDatabases(urlOf(folder, 'postgres'));
  return {
    url: databases.url,
    newDatabase: () => databases.add(withTables),
    newBareDatabase: () => databases.add(withoutTables),
    restart: async (meanwhile) => {
      await end(server, 'SIGQUIT');
      try {
        await meanwhile?.();
      } finally {
        server = await start(programs, user, folder);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await end(server, 'SIGQUIT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Databases of one test file on a server that may have others. */
export class PostgresDatabases implements AsyncDisposable {
  readonly url: string;
  readonly #names: string[] = [];

  /** @param url of the server, as `startPostgres` says it */
  constructor(url: string) {
    this.url = url;
  }

  /** @returns the URL of a new database with what its template has */
  async add(template: typeof withTables | typeof withoutTables): Promise<string> {
    const name = `test_${process.pid}_${made++}`;
    await execute(this.url, `create database ${name} template ${template}`);
    this.#names.push(name);
    return this.url.replace('/postgres?', `/${name}?`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#names) await execute(this.url, `drop database ${name} with (force)`);
  }
}

/** Puts the folder of a server into `target`, which has a database with tables. */
async function makeTemplate(programs: string, user: User | undefined, target: string): Promise<void> {
  const folder = await newFolder(user);
  try {
    const initdb = [`--pgdata=${join(folder, 'data')}`, '--username=postgres', '--auth=trust', '--encoding=UTF8'];
    await promisify(execFile)(join(programs, 'initdb'), [...initdb, '--no-sync'], { ...user, cwd: folder });
    const server = await start(programs, user, folder);
    try {
      await execute(urlOf(folder, 'postgres'), `create database ${withTables}`);
      await openAndClose({ dataFolder: folder, databaseUrl: urlOf(folder, withTables) });
    } finally {
      await end(server, 'SIGINT');
    }
    await promisify(execFile)('cp', ['-a', join(folder, 'data'), target]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function newFolder(user: User | undefined): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-postgres-'));
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  return folder;
}

async function start(programs: string, user: User | undefined, folder: string): Promise<ChildProcess> {
  const settings = ['listen_addresses=', `unix_socket_directories=${folder}`, 'fsync=off', 'max_connections=400'];
  const flags = ['-D', join(folder, 'data'), ...settings.flatMap((setting) => ['-c', setting])];
  const server = spawn(join(programs, 'postgres'), flags, { ...user, cwd: folder, stdio: 'ignore' });
  process.once('exit', () => server.kill('SIGQUIT'));
  await untilReady(server, urlOf(folder, 'postgres'));
  return server;
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
async function unprivilegedUser(): Promise<User | undefined> {
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
  for (const end = Date.now() + startMilliseconds; ; ) {
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

/** @param signal `SIGINT` for an orderly end, `SIGQUIT` for one as in a crash */
async function end(server: ChildProcess, signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill(signal);
  await once(server, 'exit');
}
