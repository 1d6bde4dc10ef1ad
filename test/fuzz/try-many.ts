import fc, { type Arbitrary } from 'fast-check';

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const wanted = Number(process.env.INPUTS ?? 120);
const usuallyAtOnce = 8;

/** Milliseconds: a run that was asked for with many inputs may take its time. */
export const fuzzingTimeout = 60_000 + 100 * wanted;

/**
 * Tries inputs, several at a time, and fails with the simplest that fails. INPUTS says how many are tried, of which a
 * property may take a share; SEED repeats a run.
 */
export async function tryMany<Input>(
  name: string,
  inputs: Arbitrary<Input>,
  attempt: (input: Input) => Promise<void>,
  share = 1,
): Promise<void> {
  let tried = 0;
  const several = fc.array(inputs, { minLength: 1, maxLength: 2 * usuallyAtOnce - 1, size: 'max' });
  const property = fc.asyncProperty(several, async (each) => {
    tried += each.length;
    await Promise.all(each.map(attempt));
  });
  process.stdout.write(`${name}: SEED=${seed}\n`);
  await fc.assert(property, { seed, numRuns: Math.ceil((share * wanted) / usuallyAtOnce) });
  process.stdout.write(`${name}: ${tried} tried\n`);
}
