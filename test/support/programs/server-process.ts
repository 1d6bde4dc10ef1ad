// A whole server in a process of its own, under the settings of its environment. Its clips are a few bytes made in
// CLIP_MILLISECONDS (default: at once); with CLIPS=elsewhere it makes none. Prints its address; SIGTERM ends it.

import { once } from 'node:events';
import { servedEndpoints } from '../../../src/contract/endpoints/served-endpoints.ts';
import { openServer } from '../../../src/server/open-server.ts';
import { readConfiguration } from '../../../src/shared/configuration.ts';
import { jsonLogger } from '../../../src/shared/logger.ts';
import { slowClipMaker } from '../slow-clip-maker.ts';

const { CLIPS: clips, CLIP_MILLISECONDS: milliseconds } = process.env;
await using server = await openServer({
  configuration: readConfiguration(process.env),
  endpoints: servedEndpoints,
  logger: jsonLogger(process.stderr, 'error'),
  makers: clips === 'elsewhere' ? [] : [{ open: () => slowClipMaker(Number(milliseconds ?? 0)) }],
});
process.stdout.write(`${server.url}\n`);
await once(process, 'SIGTERM');
