import type { DatabaseOptions } from '../../database/open-database.ts';
import { elementAt } from '../../shared/element-at.ts';
import { openJobs, untilAborted } from '../jobs.test-support.ts';

/** A process with a worker that never gets done with a request, until it is killed; unless the prompt says otherwise. */
const options: DatabaseOptions = JSON.parse(elementAt(process.argv, 2));
const jobs = await openJobs(options);
await jobs.housekeeping();
jobs.maker.behavior = async (request, context) => {
  if (request.input.prompt === 'finish') return;
  if (request.input.prompt === 'kill') process.kill(process.pid, 'SIGKILL');
  process.send?.({ started: request.id, folder: context.folder });
  await untilAborted(request, { ...context, signal: new AbortController().signal });
};
await jobs.worker();
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.send?.({ ready: true });
