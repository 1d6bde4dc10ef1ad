import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'hono';
import type { Caller } from './access/authentication.ts';
import type { Arrival, Bases } from './addressing/bases.ts';

/** What the server knows about a request besides the request itself. */
export interface AppEnv {
  readonly Bindings: {
    /** Absent in tests without a socket. */
    readonly incoming?: IncomingMessage;
    readonly outgoing?: ServerResponse;
    /** Set while a proxied request is dispatched: where the proxy route itself was reached. */
    readonly proxiedAt?: URL;
  };
  readonly Variables: {
    /** Below the origin; see `locate`. */
    path: string;
    arrival: Arrival;
    bases: Bases;
    ownHosts: readonly string[];
    /** Of file URLs for others than this caller. */
    sharedFileBase: string;
    /** Pages that may read replies: `*` for all, else an origin; undefined for none but our own. */
    allowedOrigin: string | undefined;
    /** Set behind the routes that ask for one. */
    caller: Caller;
  };
}

export type AppContext = Context<AppEnv>;
