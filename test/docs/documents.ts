import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { marked, type Token, type Tokens } from 'marked';
import { sectionsOf } from '../../src/server/pages/documentation/markdown.ts';

export const root = join(import.meta.dirname, '../..');

export interface Document {
  /** From the project's root, with slashes. */
  readonly name: string;
  readonly tokens: readonly PlacedToken[];
  /** Names of its headings in links. */
  readonly anchors: ReadonlySet<string>;
}

/** A piece of Markdown and where it is. */
export interface PlacedToken {
  readonly token: Token;
  readonly line: number;
  /** HTML comments right before it, without their marks. */
  readonly comments: readonly string[];
}

/** Everything that users and contributors are told to read. */
export async function readDocuments(): Promise<readonly Document[]> {
  const names = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...(await below('docs')), ...(await below('deploy'))];
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(root, name), 'utf8');
      const anchors = new Set(sectionsOf(text).map(({ anchor }) => anchor));
      return { name, tokens: place(marked.lexer(text), 1), anchors };
    }),
  );
}

async function below(folder: string): Promise<readonly string[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.md'));
  return files.map(({ parentPath, name }) => relative(root, join(parentPath, name)).replaceAll('\\', '/')).sort();
}

/** The tokens of a document, those within lists and paragraphs included, from its first line to its last. */
function place(tokens: readonly Token[], start: number): PlacedToken[] {
  const placed: PlacedToken[] = [];
  let line = start;
  let comments: string[] = [];
  for (const token of tokens) {
    placed.push({ token, line, comments }, ...place(childrenOf(token), line));
    if (token.type === 'html') comments = [...comments, ...commentsIn(token.raw)];
    else if (token.type !== 'space') comments = [];
    line += token.raw.split('\n').length - 1;
  }
  return placed;
}

function childrenOf(token: Token): readonly Token[] {
  switch (token.type) {
    case 'list':
      return (token as Tokens.List).items;
    case 'table': {
      const { header, rows } = token as Tokens.Table;
      return [...header, ...rows.flat()].flatMap((cell) => cell.tokens);
    }
    default:
      return 'tokens' in token ? (token.tokens ?? []) : [];
  }
}

function commentsIn(html: string): readonly string[] {
  return [...html.matchAll(/<!--\s*([\s\S]*?)\s*-->/g)].map(([, text = '']) => text);
}

/** Path from the project's root of what a document's relative link leads to. */
export function targetOf({ name }: Document, path: string): string {
  return join(dirname(name), decodeURIComponent(path));
}
