import { elementAt } from '../shared/element-at.ts';

/** Rows of text in aligned columns, one line each; the first row is the heading. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = elementAt(rows, 0).map((_, column) => Math.max(...rows.map((row) => elementAt(row, column).length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(elementAt(widths, column))).join('  ');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}
