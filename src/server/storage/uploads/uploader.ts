import { identify } from '../../access/authorization.ts';
import { readCredentials } from '../../access/credentials.ts';
import type { AppContext } from '../../app-env.ts';
import type { StorageDependencies } from '../storage-dependencies.ts';
import { StorageRefusal } from '../storage-refusal.ts';

/**
 * Who uploads: by a token of the file server, or with the credentials that the rest of the server takes.
 *
 * @throws StorageRefusal 401 or 403
 */
export async function uploader(c: AppContext, { tokens, authentication }: StorageDependencies): Promise<string> {
  const owner = await tokenOwner(c, { tokens, authentication });
  if (owner !== undefined) return owner;
  const identification = await identify(c, authentication);
  if (identification.caller === undefined) {
    throw new StorageRefusal(401, identification.refusal ?? 'Authorization header is required');
  }
  if (identification.caller.allowedApps !== undefined) throw new StorageRefusal(403, 'Temporary tokens only call apps');
  return identification.caller.owner;
}

/** Who reads; undefined for somebody who presents no valid credentials, also where none are asked for. */
export async function reader(
  c: AppContext,
  { tokens, authentication }: StorageDependencies,
): Promise<string | undefined> {
  const presented = readCredentials(c.req.header('authorization'), c.req.query('fal_jwt_token'));
  if (presented.kind === 'none') return undefined;
  const owner = await tokenOwner(c, { tokens, authentication });
  if (owner !== undefined) return owner;
  const { caller } = await identify(c, authentication);
  return caller?.allowedApps === undefined ? caller?.owner : undefined;
}

async function tokenOwner(
  c: AppContext,
  { tokens, authentication }: Pick<StorageDependencies, 'tokens' | 'authentication'>,
): Promise<string | undefined> {
  const credentials = readCredentials(c.req.header('authorization'));
  const claims = credentials.kind === 'bearer' ? await tokens.verify('cdn', credentials.token) : undefined;
  return claims !== undefined && (await authentication.isCurrent(claims.owner)) ? claims.owner : undefined;
}
