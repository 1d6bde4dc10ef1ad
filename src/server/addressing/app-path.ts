import type { Endpoint, Endpoints } from '../../contract/endpoint.ts';

/** A path of the run or queue host: `/{owner}/{alias}{subpath}`. */
export interface AppPath {
  readonly owner: string;
  readonly alias: string;
  /** What follows, with its slash; `/` where nothing does. */
  readonly subpath: string;
}

/** A path that begins with the id of an endpoint. */
export interface EndpointPath {
  readonly endpoint: Endpoint;
  /** What follows, with its slash; empty where nothing does. */
  readonly below: string;
}

/** What the queue is asked about a request. */
export type RequestAction = 'result' | 'status' | 'status/stream' | 'progress' | 'progress/stream' | 'cancel';

export interface RequestPath {
  readonly id: string;
  readonly action: RequestAction;
}

export function readAppPath(path: string): AppPath | undefined {
  const [, owner = '', alias = '', ...rest] = path.split('/');
  return owner === '' || alias === '' ? undefined : { owner, alias, subpath: `/${rest.join('/')}` };
}

/** Whether any endpoint belongs to the app. */
export function isKnownApp({ owner, alias }: AppPath, endpoints: Endpoints): boolean {
  return [...endpoints.values()].some(({ app }) => app === `${owner}/${alias}`);
}

/** The endpoint whose id a path begins with; of several, as `a/b/c` and `a/b/c/d`, the one with the longest. */
export function readEndpointPath({ owner, alias, subpath }: AppPath, endpoints: Endpoints): EndpointPath | undefined {
  const path = `${owner}/${alias}${subpath === '/' ? '' : subpath}`;
  const named = [...endpoints.values()].filter(({ id }) => `${path}/`.startsWith(`${id}/`));
  const [endpoint] = named.sort((one, other) => other.id.length - one.id.length);
  return endpoint && { endpoint, below: path.slice(endpoint.id.length) };
}

const actions: Readonly<Record<string, RequestAction>> = {
  '': 'result',
  response: 'result',
  status: 'status',
  'status/stream': 'status/stream',
  progress: 'progress',
  'progress/stream': 'progress/stream',
  cancel: 'cancel',
};

/** `/requests/{id}…`, directly under the app as clients write it or under a whole endpoint as OpenAPI has it. */
export function readRequestPath(path: AppPath, endpoints: Endpoints): RequestPath | undefined {
  const below = readEndpointPath(path, endpoints)?.below ?? path.subpath;
  const [, requests, id = '', ...rest] = below.split('/');
  const name = rest.join('/');
  if (requests !== 'requests' || id === '' || !Object.hasOwn(actions, name)) return undefined;
  const action = actions[name];
  return action === undefined ? undefined : { id, action };
}
