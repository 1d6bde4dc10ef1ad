import type { GraphTarget } from '../../graph/graph-target.ts';
import type { HostTensor } from '../../graph/runtime/host-tensor.ts';
import { type Comparison, compare } from './comparison.ts';
import { evaluators } from './evaluators.ts';
import { type CaseDescription, ParityCase, type ParityFolder } from './parity-case.ts';

export interface CaseResult {
  readonly name: string;
  readonly passed: boolean;
  readonly comparisons: readonly Comparison[];
  /** Set when the case could not be computed. */
  readonly error?: Error;
  readonly seconds: number;
}

/** Evaluates one case with networks for `target` and compares every output with its recording. */
export async function runCase(
  folder: ParityFolder,
  description: CaseDescription,
  target: GraphTarget,
): Promise<CaseResult> {
  const started = performance.now();
  const { name, module, outputs } = description;
  const seconds = (): number => (performance.now() - started) / 1000;
  try {
    const evaluate = evaluators[module];
    if (evaluate === undefined) throw new Error(`the module "${module}" is unknown`);
    const parityCase = new ParityCase(description, folder, target);
    const actual: Readonly<Record<string, HostTensor>> = await evaluate(parityCase);
    const comparisons = await Promise.all(
      Object.keys(outputs).map(async (output) =>
        compare(output, await parityCase.expected(output), actual[output], parityCase.tolerance(output)),
      ),
    );
    const passed = comparisons.every((comparison) => comparison.passed);
    return { name, passed, comparisons, seconds: seconds() };
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    return { name, passed: false, comparisons: [], error, seconds: seconds() };
  }
}
