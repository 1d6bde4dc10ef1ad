import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { SoundstageError } from '../../shared/errors.ts';
import { errorCode } from '../../shared/system-code.ts';

export interface HubOptions {
  /** Cache folder; default `$HF_HUB_CACHE`, `$HF_HOME/hub` or `~/.cache/huggingface/hub`. */
  readonly cache?: string | undefined;
  /** Base URL of the hub; default `$HF_ENDPOINT` or `https://huggingface.co`. */
  readonly endpoint?: string | undefined;
  /** Never touch the network; default `$HF_HUB_OFFLINE`. */
  readonly offline?: boolean | undefined;
  /** Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

export interface HubSettings {
  readonly cache: string;
  /** Without a trailing slash. */
  readonly endpoint: string;
  readonly offline: boolean;
  /** `$HF_TOKEN`, or the content of `$HF_TOKEN_PATH` or `$HF_HOME/token`. A function, so that no log can print it. */
  readonly token: () => Promise<string | undefined>;
}

/** Reads the same environment variables as the hub's Python client, so that both share one cache and one login. */
export function hubSettings(options: HubOptions = {}): HubSettings {
  const env = options.env ?? process.env;
  const home = env.HF_HOME ?? join(env.XDG_CACHE_HOME ?? '~/.cache', 'huggingface');
  return Object.freeze({
    cache: folder(options.cache ?? env.HF_HUB_CACHE ?? join(home, 'hub'), env),
    endpoint: httpUrl(options.endpoint ?? (env.HF_ENDPOINT || 'https://huggingface.co')),
    offline: options.offline ?? /^(1|on|yes|true)$/i.test(env.HF_HUB_OFFLINE ?? ''),
    token: () => readToken(env.HF_TOKEN, folder(env.HF_TOKEN_PATH ?? join(home, 'token'), env)),
  });
}

async function readToken(token: string | undefined, path: string): Promise<string | undefined> {
  if (token?.trim()) return token.trim();
  try {
    return (await readFile(path, 'utf8')).trim() || undefined;
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw new SoundstageError('input', `cannot read the token file ${path}: make it readable or set HF_TOKEN`, {
      cause,
    });
  }
}

function folder(path: string, env: NodeJS.ProcessEnv): string {
  return resolve(path.replace(/^~(?=\/|\\|$)/, env.HOME ?? homedir()));
}

function httpUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new SoundstageError(
      'input',
      `the hub endpoint ${text} is not an http(s) URL: change HF_ENDPOINT or --endpoint`,
    );
  }
  return url.href.replace(/\/+$/, '');
}
