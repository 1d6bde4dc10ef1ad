import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes a minute or more, by the list that closes a run; the slowest first. */
const slow = [
  'test/docs/commands.test.ts',
  'test/robustness/kill-loop.test.ts',
  'test/browser/playground.test.ts',
  'test/robustness/burst.test.ts',
  'test/film-server.test.ts',
  'test/generate.test.ts',
  'test/conformance/c-sync-run.test.ts',
  'test/film.test.ts',
  'src/database/embedded/kill.test.ts',
  'src/media/video-encoder.test.ts',
  'test/package/package.test.ts',
];

/** Starts those files first: Vitest goes by project and size, and the last one would run while nothing else is left. */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const found = slow.findIndex((path) => moduleId.endsWith(`/${path}`));
      return found < 0 ? slow.length : found;
    };
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}
