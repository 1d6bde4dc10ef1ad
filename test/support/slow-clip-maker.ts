import { setTimeout as wait } from 'node:timers/promises';
import { TestClipMaker } from '../../src/jobs/jobs.test-support.ts';

/** Makes a few bytes in so many milliseconds. */
export function slowClipMaker(milliseconds: number): TestClipMaker {
  const maker = new TestClipMaker();
  if (milliseconds === 0) return maker;
  maker.behavior = async (_request, { signal, log }) => {
    log('INFO', 'denoising 1/2');
    await wait(milliseconds, undefined, { signal });
    log('INFO', 'denoising 2/2');
  };
  return maker;
}
