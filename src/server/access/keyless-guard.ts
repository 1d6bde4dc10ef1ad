import { createMiddleware } from 'hono/factory';
import type { Configuration } from '../../shared/configuration.ts';
import { type Arrival, namedHostsOf, ownHostsOf } from '../addressing/bases.ts';
import type { AppEnv } from '../app-env.ts';
import { detail } from '../replies.ts';
import { isTrustedName, type Reachability } from '../tls/hosts.ts';
import type { Authentication } from './authentication.ts';

const orKey = 'or create a key (`soundstage keys create`)';

/**
 * Keeps web pages from using a server that asks for no keys, where whoever reaches it may do everything. A page in a
 * browser of this machine does reach it: by a request to it, or by having a name of its own lead here. What is no browser
 * sends neither `Origin` nor `Sec-Fetch-Site`, and the right host.
 */
export class KeylessGuard {
  readonly #place: Reachability;
  readonly #origins: readonly string[];
  readonly #isProxyExpected: boolean;

  constructor(configuration: Configuration) {
    const { SOUNDSTAGE_HOST: host, SOUNDSTAGE_PUBLIC_URL: publicUrl, SOUNDSTAGE_AUTH: mode } = configuration;
    this.#place = { host, publicUrl };
    this.#origins = configuration.SOUNDSTAGE_ALLOW_ORIGINS;
    this.#isProxyExpected = mode === 'off';
  }

  /** Why a request is not answered; undefined where it is. */
  refusal(method: string, arrival: Arrival): string | undefined {
    const { headers } = arrival;
    const forwarded = this.#isProxyExpected ? undefined : forwardingHeaders.find((name) => headers.get(name) !== null);
    if (forwarded !== undefined) {
      return `This server asks for no keys since it is for its own machine alone, but a proxy passed this request on (${forwarded}): create a key (\`soundstage keys create\`), or let everybody in with --auth off.`;
    }
    const stranger = namedHostsOf(arrival).find((host) => !this.#isTrustedHost(host));
    if (stranger !== undefined) {
      return `Without keys this server answers to its own names only, and ${stranger} is none of them: set SOUNDSTAGE_PUBLIC_URL to the address it is reached by, ${orKey}.`;
    }
    const page = headers.get('origin');
    if (page === null ? !isFromElsewhere(method, headers) : this.#isTrustedPage(page, arrival)) return undefined;
    if (page === null && this.#isTrustedPage(headers.get('referer') ?? '', arrival)) return undefined;
    return `Without keys, pages of other sites${page === null ? '' : ` (${page})`} may not use this server: name their origin in SOUNDSTAGE_ALLOW_ORIGINS, ${orKey}.`;
  }

  /** Whether the operator has allowed the pages of this origin. */
  isAllowed(origin: string): boolean {
    return this.#origins.includes(origin);
  }

  #isTrustedHost(host: string): boolean {
    const isAllowed = this.#origins.some((origin) => new URL(origin).host === host);
    return isAllowed || isTrustedName(new URL(`http://${host}`).hostname, this.#place);
  }

  /** Whether a page at this address is one of our own, or one that the operator has allowed. */
  #isTrustedPage(address: string, arrival: Arrival): boolean {
    const page = URL.parse(address);
    return page !== null && (ownHostsOf(arrival).includes(page.host) || this.isAllowed(page.origin));
  }
}

const forwardingHeaders = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-server',
  'x-real-ip',
] as const;

/** Whether a browser says that a page of another origin asks. Whoever follows a link from there comes on their own account. */
function isFromElsewhere(method: string, headers: Arrival['headers']): boolean {
  const site = headers.get('sec-fetch-site') ?? 'none';
  const isLink =
    method === 'GET' && headers.get('sec-fetch-mode') === 'navigate' && headers.get('sec-fetch-dest') === 'document';
  return site !== 'none' && site !== 'same-origin' && !isLink;
}

/** Answers for the guard while no keys are asked for, and says which pages may read the replies. */
export function guarded({
  authentication,
  keylessGuard,
}: {
  readonly authentication: Authentication;
  readonly keylessGuard: KeylessGuard;
}) {
  return createMiddleware<AppEnv>(async (c, next) => {
    if (await isKeyless(authentication)) {
      // What comes through the proxy route has been looked at.
      const refusal = c.env?.proxiedAt === undefined ? keylessGuard.refusal(c.req.method, c.var.arrival) : undefined;
      if (refusal !== undefined) return detail(c, 403, refusal);
      const origin = c.req.header('origin');
      c.set('allowedOrigin', origin !== undefined && keylessGuard.isAllowed(origin) ? origin : undefined);
    } else c.set('allowedOrigin', '*');
    return await next();
  });
}

/** While the database cannot say whether there is a key, there is none: whoever needs the database hears of its trouble. */
async function isKeyless(authentication: Authentication): Promise<boolean> {
  return !(await authentication.isRequired().catch(() => false));
}
