import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { modelErrorTypes, requestErrorTypes } from '../errors/error-types.ts';
import { modelErrors, requestErrors } from './error-list.ts';

const source = join(import.meta.dirname, '../..');
const catalogs = ['contract/errors/error-types.ts', 'contract/documents/error-list.ts'];
const files = globSync('**/*.ts', { cwd: source })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => !/\.test(?:-support)?\.ts$/.test(name) && !catalogs.includes(name));
const program = files.map((name) => readFileSync(join(source, name), 'utf8')).join('\n');

test('every type of the catalog that the program replies with is listed with its meaning, and no other', () => {
  const replied = Object.keys({ ...modelErrorTypes, ...requestErrorTypes }).filter((type) =>
    program.includes(`'${type}'`),
  );
  expect([...modelErrors, ...requestErrors].map(({ type }) => type).toSorted()).toEqual(replied.toSorted());
});
