import { Command, Option } from 'commander';
import { DatabaseInUseError } from '../database/embedded/data-folder-lock.ts';
import { type ApiKey, ApiKeys, type KeyManagement } from '../database/keys/api-keys.ts';
import { controlSocketPath, isServed } from '../database/keys/control-socket.ts';
import { RemoteKeys } from '../database/keys/remote-keys.ts';
import { openTables } from '../database/open-database.ts';
import { readConfiguration } from '../shared/configuration.ts';
import { SoundstageError } from '../shared/errors.ts';
import { openDataFolder } from '../shared/folders/data-folder.ts';
import { reporting, type TextOutput } from './reporting.ts';
import { textTable } from './text-table.ts';

/** A server may take this long from opening its database to answering. */
const serverStartMilliseconds = 15_000;

export interface KeysCommandOptions {
  /** Default `process.stdout`. */
  readonly stdout?: TextOutput | undefined;
  /** Default `process.stderr`. */
  readonly stderr?: TextOutput | undefined;
  /** Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

interface KeysFlags {
  readonly data?: string;
  readonly json?: boolean;
}

interface CreateFlags extends KeysFlags {
  readonly name: string;
  readonly admin?: boolean;
}

const environment = `
Environment:
  SOUNDSTAGE_DATA  folder of the embedded database, unless --data says otherwise
  DATABASE_URL     PostgreSQL server to use instead

It does not matter whether the server is running. A key that is revoked stops working within a second.`;

/** `soundstage keys`: creates, lists and revokes API keys. Sets `process.exitCode` on a clear error. */
export function keysCommand(options: KeysCommandOptions = {}): Command {
  const { stdout = process.stdout, stderr = process.stderr, env = process.env } = options;
  const keys = new Command('keys').description('create, list and revoke API keys').addHelpText('after', environment);
  const withKeys = (flags: KeysFlags, work: (keys: KeyManagement) => Promise<void>): Promise<void> =>
    reporting(stderr, () => managingKeys(flags, env, stderr, work), flags);

  keys
    .command('create')
    .description('make a key and print it; it is not kept and cannot be shown again')
    .option('--name <name>', 'what it is for, shown by list', 'unnamed')
    .option('--admin', 'may also see the usage of all keys and delete payloads')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(({ name, admin = false, ...flags }: CreateFlags) =>
      withKeys(flags, async (keys) => {
        const { id, secret } = await keys.create({ name, scope: admin ? 'ADMIN' : 'API' });
        const key = `${id}:${secret}`;
        stdout.write(flags.json ? `${JSON.stringify({ id, secret, key })}\n` : `${key}\n`);
      }),
    );

  keys
    .command('list')
    .description('show all keys, without their secrets')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action((flags: KeysFlags) =>
      withKeys(flags, async (keys) => {
        const all = await keys.list();
        stdout.write(flags.json ? `${JSON.stringify(all, undefined, 2)}\n` : table(all));
      }),
    );

  keys
    .command('revoke')
    .description('make a key useless')
    .argument('<id>', 'the part before the colon')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action((id: string, flags: KeysFlags) =>
      withKeys(flags, async (keys) => {
        if (!(await keys.revoke(id))) {
          throw new SoundstageError(
            'input',
            `there is no key ${id} that could be revoked: see \`soundstage keys list\``,
          );
        }
        stdout.write(flags.json ? `${JSON.stringify({ id, revoked: true })}\n` : `revoked ${id}\n`);
      }),
    );

  return keys;
}

/** Works on the database itself or, where a server has it open, through that server. */
async function managingKeys(
  flags: KeysFlags,
  env: NodeJS.ProcessEnv,
  stderr: TextOutput,
  work: (keys: KeyManagement) => Promise<void>,
): Promise<void> {
  // The database that is made here is for nobody else.
  process.umask(0o077);
  const configuration = readConfiguration(env, { SOUNDSTAGE_DATA: flags.data });
  const databaseUrl = configuration.DATABASE_URL;
  const dataFolder = configuration.SOUNDSTAGE_DATA;
  if (databaseUrl === undefined) await openDataFolder(dataFolder);
  const socketPath = controlSocketPath(dataFolder);
  for (const end = performance.now() + serverStartMilliseconds; ; ) {
    if (databaseUrl === undefined && (await isServed(socketPath))) return await work(new RemoteKeys(socketPath));
    try {
      await using tables = await openTables({
        dataFolder,
        databaseUrl,
        onWarning: (message) => stderr.write(`${message}\n`),
      });
      return await work(new ApiKeys(tables.kysely));
    } catch (error) {
      // A server that is starting has the database before it answers.
      if (!(error instanceof DatabaseInUseError) || performance.now() > end) throw error;
    }
  }
}

function table(keys: readonly ApiKey[]): string {
  return textTable([
    ['ID', 'SCOPE', 'CREATED', 'STATE', 'NAME'],
    ...keys.map(({ id, scope, createdAt, revokedAt, name }) => {
      const state = revokedAt === null ? 'valid' : `revoked ${revokedAt.toISOString()}`;
      return [id, scope, createdAt.toISOString(), state, name];
    }),
  ]);
}

function dataOption(): Option {
  return new Option(
    '--data <dir>',
    'data folder of the server (default: SOUNDSTAGE_DATA or ~/.local/share/soundstage)',
  );
}

function jsonOption(): Option {
  return new Option('--json', 'print JSON, errors too');
}
