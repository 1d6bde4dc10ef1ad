import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { SoundstageError } from '../../shared/errors.ts';
import { errorCode } from '../../shared/system-code.ts';

/** Of `sun_path` on macOS, which is shorter than Linux's. */
const maxPathBytes = 103;

/** Where the server that has the embedded database of `dataFolder` open takes orders: a Unix socket or a named pipe. */
export function controlSocketPath(dataFolder: string): string {
  const folder = resolve(dataFolder);
  if (process.platform !== 'win32') return join(folder, 'control.sock');
  const name = createHash('sha256').update(folder.toLowerCase()).digest('hex').slice(0, 32);
  return `\\\\.\\pipe\\soundstage-${name}`;
}

/**
 * Calls `use` with a path of the socket that is short enough for the system: through a link in a private temporary
 * folder where the socket's own is not. The link is gone afterwards; the socket stays where it is.
 */
export async function withShortPath<Result>(path: string, use: (path: string) => Promise<Result>): Promise<Result> {
  if (process.platform === 'win32' || Buffer.byteLength(path) <= maxPathBytes) return await use(path);
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-'));
  try {
    await symlink(dirname(resolve(path)), join(folder, 'data'));
    return await use(join(folder, 'data', basename(path)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Whether somebody answers there. A socket that is left over from a killed process does not.
 *
 * @throws SoundstageError `device` for a socket of another user
 */
export async function isServed(socketPath: string): Promise<boolean> {
  try {
    await withShortPath(socketPath, async (path) => {
      const socket = connect(path);
      try {
        await once(socket, 'connect');
      } finally {
        socket.destroy();
      }
    });
    return true;
  } catch (cause) {
    const code = errorCode(cause);
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return false;
    throw new SoundstageError(
      'device',
      `cannot reach the server at ${socketPath}: run this as the user of the server`,
      {
        cause,
      },
    );
  }
}
