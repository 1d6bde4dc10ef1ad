import type { ApiKeys } from '../../database/keys/api-keys.ts';
import type { Credentials } from './credentials.ts';
import type { Tokens } from './tokens.ts';

/** Who makes a request. */
export interface Caller {
  /** Id of the API key, or `local` where none is asked for. */
  readonly owner: string;
  readonly scope: 'API' | 'ADMIN';
  /** Of a temporary token: the only apps it is good for. */
  readonly allowedApps?: readonly string[] | undefined;
}

export type Identification =
  | { readonly caller: Caller }
  /** Without a message there were no credentials at all. */
  | { readonly caller?: undefined; readonly refusal: string | undefined };

export interface AuthenticationOptions {
  readonly mode: 'auto' | 'keys' | 'off';
  /** Whether only this machine is to reach the server. */
  readonly loopback: boolean;
  readonly keys: Pick<ApiKeys, 'verify' | 'isActive' | 'any'>;
  readonly tokens: Pick<Tokens, 'verify'>;
}

/** Owner of everything where no key is asked for. */
export const keylessOwner = 'local';
const local: Caller = Object.freeze({ owner: keylessOwner, scope: 'ADMIN' });

/** Tells who makes a request, by its credentials and the server's policy. */
export class Authentication {
  readonly #options: AuthenticationOptions;
  /** Once there was a key, there is no way back. */
  #isLocked = false;

  constructor(options: AuthenticationOptions) {
    this.#options = options;
  }

  /** Whether credentials are asked for; with `auto` that begins with the first key. */
  async isRequired(): Promise<boolean> {
    const { mode, loopback, keys } = this.#options;
    if (mode !== 'auto') return mode === 'keys';
    this.#isLocked ||= !loopback || (await keys.any());
    return this.#isLocked;
  }

  async identify(credentials: Credentials): Promise<Identification> {
    if (!(await this.isRequired())) return { caller: local };
    switch (credentials.kind) {
      case 'none':
        return { refusal: undefined };
      case 'malformed':
        return { refusal: credentials.message };
      case 'key': {
        const known = await this.#options.keys.verify(credentials.id, credentials.secret);
        return known === undefined ? { refusal: 'No user found for Key ID and Secret' } : { caller: known };
      }
      case 'bearer':
        return await this.#identifyToken(credentials.token);
    }
  }

  /** Whether what was issued to this owner is still good: not once their key is revoked. */
  async isCurrent(owner: string): Promise<boolean> {
    return !(await this.isRequired()) || (await this.#options.keys.isActive(owner));
  }

  async #identifyToken(token: string): Promise<Identification> {
    const claims = await this.#options.tokens.verify('app', token);
    if (claims === undefined || !(await this.isCurrent(claims.owner))) return { refusal: 'Invalid or expired token' };
    return { caller: { owner: claims.owner, scope: 'API', allowedApps: claims.apps } };
  }
}
