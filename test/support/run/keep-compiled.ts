import { flushCompileCache } from 'node:module';
import { afterAll } from 'vitest';

/** Node keeps what it compiled at an orderly end; Vitest kills the process of a test file. */
afterAll(() => flushCompileCache());
