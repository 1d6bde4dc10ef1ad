import type { Document } from './documents.ts';

/** How a fenced block is dealt with, by the comment before it or by its language. */
export type Treatment =
  | { readonly kind: 'shown' }
  | { readonly kind: 'parsed'; readonly format: 'json' | 'yaml' }
  | { readonly kind: 'not run'; readonly reason: string }
  | Execution;

export interface Execution {
  readonly kind: 'executed';
  readonly language: 'bash' | 'javascript' | 'typescript' | 'python';
  /** What a command that goes on by itself prints when it is at work. It is ended then. */
  readonly until: string | undefined;
  readonly needs: readonly Need[];
}

const allNeeds = ['python', 'curl', 'postgres', 's3'] as const;
export type Need = (typeof allNeeds)[number];

export interface Block {
  readonly document: string;
  readonly line: number;
  readonly text: string;
  readonly treatment: Treatment;
}

/**
 * The fenced blocks of a document. What they say about themselves stands in HTML comments right before them:
 * `not run: REASON`, `until: TEXT` and `needs: postgres, s3`.
 *
 * @throws Error for a comment or language that means nothing
 */
export function blocksOf({ name, tokens }: Document): readonly Block[] {
  return tokens.flatMap(({ token, line, comments }) => {
    if (token.type !== 'code') return [];
    const where = `${name}:${line}`;
    const language = 'lang' in token ? String(token.lang ?? '') : '';
    return [{ document: name, line, text: String(token.text), treatment: treatmentOf(language, comments, where) }];
  });
}

function treatmentOf(language: string, comments: readonly string[], where: string): Treatment {
  const said = new Map(comments.map((comment) => readComment(comment, where)));
  const reason = said.get('not run');
  if (reason !== undefined) return { kind: 'not run', reason };
  switch (language) {
    case 'text':
      return { kind: 'shown' };
    case 'json':
    case 'yaml':
      return { kind: 'parsed', format: language };
  }
  const executed = executedLanguages[language];
  if (executed === undefined) throw new Error(`${where}: a block of "${language}" is neither run nor marked`);
  const needs = (said.get('needs') ?? '').split(',').flatMap((need) => readNeed(need.trim(), where));
  return { kind: 'executed', language: executed, until: said.get('until'), needs };
}

const executedLanguages: Readonly<Record<string, Execution['language']>> = {
  sh: 'bash',
  bash: 'bash',
  js: 'javascript',
  javascript: 'javascript',
  ts: 'typescript',
  typescript: 'typescript',
  py: 'python',
  python: 'python',
};

function readComment(comment: string, where: string): readonly [string, string] {
  const [, name, value] = /^(not run|until|needs): (.+)$/s.exec(comment) ?? [];
  if (name === undefined || value === undefined) throw new Error(`${where}: the comment "${comment}" means nothing`);
  return [name, value];
}

function readNeed(text: string, where: string): readonly Need[] {
  if (text === '') return [];
  const need = allNeeds.find((known) => known === text);
  if (need === undefined) throw new Error(`${where}: nothing is known about the need "${text}"`);
  return [need];
}
