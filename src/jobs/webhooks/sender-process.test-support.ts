import type { DatabaseOptions } from '../../database/open-database.ts';
import { readConfiguration } from '../../shared/configuration.ts';
import { elementAt } from '../../shared/element-at.ts';
import { openJobs } from '../jobs.test-support.ts';
import { openWebhooks } from './webhooks.ts';

/** A process that delivers webhooks until it is killed. */
const options: DatabaseOptions = JSON.parse(elementAt(process.argv, 2));
const jobs = await openJobs(options);
const configuration = readConfiguration({ SOUNDSTAGE_ALLOW_PRIVATE_HOSTS: '127.0.0.1' });
await openWebhooks({ ...jobs, configuration });
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
