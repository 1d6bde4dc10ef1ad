import { type Home, platformHome } from '../../contract/documents/home.ts';
import type { Endpoint } from '../../contract/endpoint.ts';
import type { AppContext } from '../app-env.ts';

/** Where documents say that an endpoint is: this server is the only one that makes films. */
export function homeOf({ makes }: Endpoint, c: AppContext): Home {
  return makes === 'films' ? c.var.bases : platformHome;
}
