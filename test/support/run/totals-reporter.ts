import type { Reporter, TestModule } from 'vitest/node';

const shownFiles = 10;

/** Closes a run with the files that took longest, and one plain line: how many tests passed, failed and were skipped. */
export default class TotalsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      // A file that cannot be loaded runs no test, and must not pass for that.
      if (module.errors().length > 0) count.failed++;
      for (const test of module.children.allTests()) count[test.result().state]++;
    }
    if (modules.length > shownFiles) process.stdout.write(`\nThe ${shownFiles} slowest files:\n${slowest(modules)}`);
    const skipped = count.skipped === 0 ? '' : `, ${count.skipped} skipped`;
    process.stdout.write(`\n${count.passed} passed, ${count.failed} failed${skipped}\n`);
  }
}

function slowest(modules: readonly TestModule[]): string {
  const times = modules.map((module) => {
    const { collectDuration, duration, prepareDuration, setupDuration } = module.diagnostic();
    const seconds = (collectDuration + duration + prepareDuration + setupDuration) / 1000;
    return { seconds, line: `${seconds.toFixed(1).padStart(6)} s  ${module.relativeModuleId}\n` };
  });
  times.sort((one, other) => other.seconds - one.seconds);
  return times
    .slice(0, shownFiles)
    .map(({ line }) => line)
    .join('');
}
