import { setTimeout as wait } from 'node:timers/promises';

/** Waits until it is so; says how it is instead when that takes too long. */
export async function eventually(
  milliseconds: number,
  isSo: () => Promise<boolean> | boolean,
  situation: () => unknown,
): Promise<void> {
  // The longer it takes, the less it matters to know at once; and looking may be work for what is waited for.
  const began = performance.now();
  const waited = (): number => performance.now() - began;
  for (; !(await isSo()); await wait(Math.max(50, waited() / 50))) {
    if (waited() > milliseconds) throw new Error(`after ${milliseconds} ms: ${JSON.stringify(await situation())}`);
  }
}
