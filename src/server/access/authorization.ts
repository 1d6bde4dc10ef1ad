import { createMiddleware } from 'hono/factory';
import type { Endpoints } from '../../contract/endpoint.ts';
import { appOf } from '../../contract/endpoint-id.ts';
import { type AppPath, readEndpointPath } from '../addressing/app-path.ts';
import type { AppContext, AppEnv } from '../app-env.ts';
import { detail } from '../replies.ts';
import type { Authentication, Caller, Identification } from './authentication.ts';
import { readCredentials } from './credentials.ts';

/** Tells who sent a request. */
export async function identify(c: AppContext, authentication: Authentication): Promise<Identification> {
  return await authentication.identify(readCredentials(c.req.header('authorization'), c.req.query('fal_jwt_token')));
}

/**
 * Admits callers of an app, before anything else about the request is looked at.
 *
 * @returns the caller, or the reply that refuses
 */
export async function admitToApp(
  c: AppContext,
  { authentication, endpoints }: { readonly authentication: Authentication; readonly endpoints: Endpoints },
  path: AppPath,
): Promise<Caller | Response> {
  const { owner, alias } = path;
  const { caller, ...failure } = await identify(c, authentication);
  if (caller === undefined) {
    const refusal = 'refusal' in failure ? failure.refusal : undefined;
    const missing = `Cannot access application "${owner}/${alias}". Authentication is required to access this application.`;
    return detail(c, 401, refusal ?? missing);
  }
  if (caller.allowedApps?.some((allowed) => isNamed(path, allowed, endpoints)) === false) {
    return detail(c, 403, `This token is not good for application "${owner}/${alias}"`);
  }
  return caller;
}

/** Whether the key of this caller is still good, for replies that go on for long. While that cannot be told, it is. */
export function stillAdmitted({ owner }: Caller, authentication: Authentication): () => Promise<boolean> {
  return () => authentication.isCurrent(owner).catch(() => true);
}

/** Asks for a key on the REST and platform hosts. */
export function requireCaller(authentication: Authentication, refuse = restRefusal) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const identification = await identify(c, authentication);
    if (identification.caller === undefined) {
      return refuse(c, 401, identification.refusal ?? 'Authorization header is required');
    }
    if (identification.caller.allowedApps !== undefined) return refuse(c, 403, 'Temporary tokens only call apps');
    c.set('caller', identification.caller);
    return await next();
  });
}

type Refuse = (c: AppContext, status: 401 | 403, message: string) => Response;

const restRefusal: Refuse = (c, status, message) => detail(c, status, message);

/** A token names apps, by alias or by owner and alias, or one endpoint by its id: it is no good for the app's others then. */
function isNamed(path: AppPath, allowed: string, endpoints: Endpoints): boolean {
  const { owner, alias } = path;
  const app = `${owner}/${alias}`;
  if (allowed === alias || allowed === app) return true;
  const { endpoint } = readEndpointPath(path, endpoints) ?? {};
  return appOf(allowed) === app && (endpoint === undefined || endpoint.id === allowed);
}
