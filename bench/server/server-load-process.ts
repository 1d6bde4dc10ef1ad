// Asks a server as fast as it answers. What to ask is the JSON of a Load on the command line; prints JSON of LoadFigures.

import autocannon, { type LoadRequest } from 'autocannon';
import { elementAt } from '../../src/shared/element-at.ts';
import type { Load, LoadFigures } from './server-load.ts';

const { url, paths, method, body, connections, seconds }: Load = JSON.parse(elementAt(process.argv, 2));
const requests: readonly LoadRequest[] = paths.map((path) => ({ method, path, body }));
let clients = 0;
const { requests: done, ...result } = await autocannon({
  url,
  connections,
  duration: seconds,
  headers: { 'content-type': 'application/json' },
  setupClient: (client) => {
    // Everybody asks for something else at a time.
    const start = (clients++ * Math.ceil(paths.length / connections)) % paths.length;
    client.setRequests([...requests.slice(start), ...requests.slice(0, start)]);
  },
});
const { errors, non2xx, latency } = result;
if (errors > 0 || non2xx > 0) throw new Error(`${url}: ${errors} errors, ${non2xx} answers other than 2xx`);
const figures: LoadFigures = { perSecond: done.average, p50: latency.p50, p99: latency.p99 };
process.stdout.write(JSON.stringify(figures));
