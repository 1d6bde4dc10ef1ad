// A worker in a process of its own, under the settings of its environment. Its clips are a few bytes made in
// CLIP_MILLISECONDS (default: at once). Prints a line when it is ready; SIGTERM ends it.

import { once } from 'node:events';
import { servedEndpoints } from '../../../src/contract/endpoints/served-endpoints.ts';
import { openDatabase } from '../../../src/database/open-database.ts';
import { openFileStore } from '../../../src/files/open-file-store.ts';
import { Housekeeping } from '../../../src/jobs/upkeep/housekeeping.ts';
import { Worker } from '../../../src/jobs/work/worker.ts';
import { readConfiguration } from '../../../src/shared/configuration.ts';
import { jsonLogger } from '../../../src/shared/logger.ts';
import { slowClipMaker } from '../slow-clip-maker.ts';

const configuration = readConfiguration(process.env);
const { SOUNDSTAGE_DATA: dataFolder, DATABASE_URL: databaseUrl } = configuration;
const logger = jsonLogger(process.stderr, 'error');
await using database = await openDatabase({ dataFolder, databaseUrl });
await using files = await openFileStore(database.kysely, configuration);
const jobs = { database, files, dataFolder, payloadRetention: configuration.SOUNDSTAGE_PAYLOAD_RETENTION, logger };
await using _housekeeping = await Housekeeping.open(jobs);
const maker = slowClipMaker(Number(process.env.CLIP_MILLISECONDS ?? 0));
await using worker = await Worker.open({ ...jobs, endpoints: servedEndpoints, minFree: 0, maker });
worker.start();
process.stdout.write('ready\n');
await once(process, 'SIGTERM');
