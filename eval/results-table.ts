import { elementAt } from '../src/shared/element-at.ts';
import type { Finding } from './row.ts';

/** A row's findings, by the row's name. */
export interface MeasuredRow {
  readonly name: string;
  readonly findings: readonly Finding[];
  /** Wall time of the row. */
  readonly seconds: number;
  /** File name of its contact sheet, where it has one. */
  readonly sheet?: string | undefined;
}

const heading = ['row', 'what', 'measured', 'aim', 'met'] as const;

/** The cells of all findings, heading first; a row's name stands once, before its first finding. */
export function tableCells(rows: readonly MeasuredRow[]): string[][] {
  return [
    [...heading],
    ...rows.flatMap(({ name, findings }) =>
      findings.map(({ what, measured, aim, met }, at) => [at === 0 ? name : '', what, measured, aim, verdict(met)]),
    ),
  ];
}

function verdict(met: boolean | undefined): string {
  return met === undefined ? '' : met ? 'yes' : 'no';
}

const [opening, closing] = ['<!-- eval: begin -->', '<!-- eval: end -->'];

/**
 * A Markdown page with the table between its markers, rows measured now in place of those of the same name; text around
 * the markers stays. Without a page, a new one.
 *
 * @param sheets path of the contact sheets' folder, as links on the page name it
 */
export function withTable(page: string | undefined, rows: readonly MeasuredRow[], sheets: string): string {
  const text = page ?? `# The embedded miniature\n\n${opening}\n${closing}\n`;
  const [begin, end] = [text.indexOf(opening), text.indexOf(closing)];
  if (begin < 0 || end < begin) throw new Error(`the page has no markers ${opening} and ${closing}`);
  const before = earlierRows(text.slice(begin + opening.length, end));
  for (const row of rows) before.set(row.name, markdownRow(row, sheets));
  const table = [markdownLine(heading), markdownLine(heading.map(() => '---')), ...[...before.values()].flat()];
  return `${text.slice(0, begin + opening.length)}\n${table.join('\n')}\n${text.slice(end)}`;
}

function markdownRow({ name, findings, sheet }: MeasuredRow, sheets: string): string[] {
  const linked = sheet === undefined ? name : `[${name}](${sheets}/${sheet})`;
  const cells = tableCells([{ name: linked, findings, seconds: 0 }]).slice(1);
  return cells.map(markdownLine);
}

/** The lines of each row of an earlier table, by its name. */
function earlierRows(table: string): Map<string, string[]> {
  const rows = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of table
    .split('\n')
    .filter((text) => text.startsWith('|'))
    .slice(2)) {
    const first = elementAt(line.split('|'), 1).trim();
    if (first !== '') {
      lines = [];
      rows.set(/^\[([^\]]+)\]/.exec(first)?.[1] ?? first, lines);
    }
    lines.push(line);
  }
  return rows;
}

function markdownLine(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
