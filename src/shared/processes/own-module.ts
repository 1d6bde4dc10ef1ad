import { extname } from 'node:path';

const extension = extname(import.meta.url);

/** The file of one of this program's own modules: the sources run as they are, the npm package has them compiled. */
export function ownModule(source: URL): URL {
  return new URL(source.href.replace(/\.ts$/, extension));
}
