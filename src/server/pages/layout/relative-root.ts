import type { AppContext } from '../../app-env.ts';

/**
 * The server's root as a relative address, seen from the page that is asked for: `./`, `../../`. A proxy may have put the
 * server below a path that it does not know.
 */
export function rootFrom(c: AppContext): string {
  const depth = new URL(c.req.url).pathname.split('/').length - 2;
  return depth <= 0 ? './' : '../'.repeat(depth);
}
