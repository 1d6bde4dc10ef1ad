import { setTimeout as wait } from 'node:timers/promises';

/** Waits until it is so; says how it is instead when that takes too long. */
export async function eventually(
  milliseconds: number,
  isSo: () => Promise<boolean> | boolean,
  situation: () => unknown,
): Promise<void> {
  for (const end = performance.now() + milliseconds; !(await isSo()); await wait(50)) {
    if (performance.now() > end) throw new Error(`after ${milliseconds} ms: ${JSON.stringify(await situation())}`);
  }
}
