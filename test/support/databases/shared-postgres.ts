import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the server that all test files share; undefined where PostgreSQL is not installed. */
    readonly postgresUrl: string | undefined;
  }
}

/** Starts it before the first test file, and ends it after the last. */
export default async function sharePostgres(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startPostgres();
  project.provide('postgresUrl', postgres?.url);
  return async () => postgres?.[Symbol.asyncDispose]();
}
