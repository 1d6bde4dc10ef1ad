import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readDocuments, root } from './documents.ts';

const documents = await readDocuments();
const troubleshooting = documents.find(({ name }) => name === 'docs/troubleshooting.md');

/** The messages explained: headings that consist of code. What varies is written `…`. */
const messages = (troubleshooting?.tokens ?? []).flatMap(({ token }) => {
  const [, message] = (token.type === 'heading' && /^#+ `+ ?(.+?) ?`+\s*$/.exec(token.raw)) || [];
  return message === undefined ? [] : [message];
});

test('there are messages', () => expect(messages.length).toBeGreaterThan(20));

const templates = (await sources()).map(withoutPlaceholders).join('\n');

test.each(messages)('the program has the message: %s', (message) => {
  expect(templates.includes(message)).toBe(true);
});

async function sources(): Promise<readonly string[]> {
  const entries = await readdir(join(root, 'src'), { recursive: true, withFileTypes: true });
  const files = entries.filter(({ name }) => name.endsWith('.ts') && !name.includes('.test'));
  return Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'utf8')));
}

/** Source text with `…` for every placeholder of a template, and strings that are added up in one piece. */
function withoutPlaceholders(source: string): string {
  let text = '';
  for (let at = 0; at < source.length; at += 1) {
    if (source.startsWith('${', at)) {
      at = endOfPlaceholder(source, at + 2);
      text += '…';
    } else text += source[at];
  }
  return text.replace(/['`] \+\s*['`]/g, '').replace(/\\([`'])/g, '$1');
}

/** Where the brace is that closes the placeholder whose inside begins at `start`. */
function endOfPlaceholder(source: string, start: number): number {
  let depth = 1;
  let at = start;
  for (; at < source.length; at += 1) {
    if (source[at] === '{') depth += 1;
    if (source[at] === '}') depth -= 1;
    if (depth === 0) break;
  }
  return at;
}
