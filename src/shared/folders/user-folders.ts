import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where programs keep what is a user's own. */
export interface UserFolders {
  /** For what has to stay. */
  readonly data: string;
  /** For what can be fetched again. */
  readonly cache: string;
}

/** The XDG folders; on Windows, what stays on the machine when a profile moves on. */
export function userFolders(
  environment: NodeJS.ProcessEnv = process.env,
  { platform, home }: { readonly platform: string; readonly home: string } = {
    platform: process.platform,
    home: homedir(),
  },
): UserFolders {
  if (platform === 'win32') {
    const local = environment.LOCALAPPDATA || join(home, 'AppData', 'Local');
    return { data: local, cache: local };
  }
  return {
    data: environment.XDG_DATA_HOME || join(home, '.local', 'share'),
    cache: environment.XDG_CACHE_HOME || join(home, '.cache'),
  };
}
