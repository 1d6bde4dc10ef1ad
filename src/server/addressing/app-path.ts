import { endpoint } from '../../contract/endpoint.ts';

/** A path of the run or queue host: `/{owner}/{alias}{subpath}`. */
export interface AppPath {
  readonly owner: string;
  readonly alias: string;
  /** What follows, with its slash; `/` where nothing does. */
  readonly subpath: string;
}

/** What the queue is asked about a request. */
export type RequestAction = 'result' | 'status' | 'status/stream' | 'progress' | 'progress/stream' | 'cancel';

export interface RequestPath {
  readonly id: string;
  readonly action: RequestAction;
}

const endpointSubpath = endpoint.id.slice(endpoint.app.length);

export function readAppPath(path: string): AppPath | undefined {
  const [, owner = '', alias = '', ...rest] = path.split('/');
  return owner === '' || alias === '' ? undefined : { owner, alias, subpath: `/${rest.join('/')}` };
}

export function isKnownApp({ owner, alias }: AppPath): boolean {
  return `${owner}/${alias}` === endpoint.app;
}

export function isEndpoint({ subpath }: AppPath): boolean {
  return subpath === endpointSubpath;
}

/** The same with `/stream` behind it: a direct run that reports its progress. */
export function isStream({ subpath }: AppPath): boolean {
  return subpath === `${endpointSubpath}/stream`;
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

/** `/requests/{id}…`, directly under the app as clients write it or under the whole endpoint as OpenAPI has it. */
export function readRequestPath({ subpath }: AppPath): RequestPath | undefined {
  const own = subpath.startsWith(`${endpointSubpath}/`) ? subpath.slice(endpointSubpath.length) : subpath;
  const [, requests, id = '', ...rest] = own.split('/');
  const name = rest.join('/');
  if (requests !== 'requests' || id === '' || !Object.hasOwn(actions, name)) return undefined;
  const action = actions[name];
  return action === undefined ? undefined : { id, action };
}
