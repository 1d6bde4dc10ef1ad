import { expect, test } from 'vitest';
import { elementAt } from './element-at.ts';
import { jsonLogger } from './logger.ts';

test('one JSON object per line, the less urgent left out', () => {
  const lines: string[] = [];
  const logger = jsonLogger({ write: (text) => lines.push(text) }, 'warn');
  logger.info('hidden');
  logger.warn('shown\nin one line', { id: 7 });
  logger.error('failed', { error: new Error('outer', { cause: new TypeError('inner') }) });
  expect(lines).toHaveLength(2);
  expect(JSON.parse(elementAt(lines, 0))).toMatchObject({ level: 'warn', message: 'shown\nin one line', id: 7 });
  expect(lines[0]?.match(/\n/g)).toHaveLength(1);
  expect(JSON.parse(elementAt(lines, 1)).error).toMatch(/^Error: outer[\s\S]*caused by TypeError: inner/);
});
