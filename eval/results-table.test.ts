import { expect, test } from 'vitest';
import { tableCells, withTable } from './results-table.ts';

const finding = (measured: string, met?: boolean) => ({ what: 'it', measured, aim: '≥ 1', met });

test('the table names a row once and says what is met', () => {
  const rows = [{ name: 'sync', findings: [finding('2', true), finding('0', false), finding('3')], seconds: 1 }];
  expect(tableCells(rows).slice(1)).toEqual([
    ['sync', 'it', '2', '≥ 1', 'yes'],
    ['', 'it', '0', '≥ 1', 'no'],
    ['', 'it', '3', '≥ 1', ''],
  ]);
});

test('a page keeps its text and the rows that were not measured again', () => {
  const first = withTable(
    undefined,
    [{ name: 'a', findings: [finding('1'), finding('2')], seconds: 1, sheet: 'a.png' }],
    'nano',
  );
  const page = first.replace('# The embedded miniature', '# Mine').concat('\nAfter.\n');
  const second = withTable(page, [{ name: 'b', findings: [finding('5')], seconds: 1 }], 'nano');
  const third = withTable(second, [{ name: 'a', findings: [finding('9')], seconds: 1 }], 'nano');
  expect(second).toContain('| [a](nano/a.png) | it | 1 | ≥ 1 |  |\n|  | it | 2 | ≥ 1 |  |\n| b | it | 5 | ≥ 1 |  |');
  expect(third).toContain('| a | it | 9 | ≥ 1 |  |\n| b | it | 5 | ≥ 1 |  |');
  expect(third).toMatch(/^# Mine\n[\s\S]*\nAfter\.\n$/);
});

test('a page without markers is refused', () => {
  expect(() => withTable('# Mine', [], 'nano')).toThrow('markers');
});
