import { expect, test } from 'vitest';
import { linksIn, renderMarkdown, sectionsOf } from './markdown.ts';

const everywhere = (address: string): string => address;

test('what is no Markdown is shown as text, and comments are left out', () => {
  const text =
    '<!-- not run: a -->\n\n<script>alert(1)</script>\n\na <img src=x onerror=alert(1)> b\n\n```sh\n<b>\n```\n';
  const page = String(renderMarkdown(text, everywhere));
  expect(page).not.toMatch(/<script|<img|<b>|not run/);
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
});

test('a link that leads nowhere is text, and addresses cannot leave their attribute', () => {
  const refuse = (address: string): string | undefined => (address.startsWith('https:') ? address : undefined);
  expect(String(renderMarkdown('[a](javascript:alert(1))', refuse))).not.toContain('<a');
  expect(String(renderMarkdown('[a](<https://b/"onmouseover=">)', refuse))).toContain(
    'href="https://b/&quot;onmouseover=&quot;"',
  );
});

test('headings have the names that links use, each once', () => {
  const text = '# A `b`: c\n\none\n\n## Same\n\n## Same\n\n| x | y |\n|---|---|\n| 1 | 2 |\n';
  expect(sectionsOf(text)).toEqual([
    { heading: 'A b: c', level: 1, anchor: 'a-b-c', text: 'one' },
    { heading: 'Same', level: 2, anchor: 'same', text: '' },
    { heading: 'Same', level: 2, anchor: 'same-1', text: 'x y 1 2' },
  ]);
  const page = String(renderMarkdown(text, everywhere));
  for (const { anchor } of sectionsOf(text)) expect(page).toContain(`id="${anchor}"`);
});

test('links in their order, without anchors', () => {
  expect(linksIn('[a](one.md#x) and\n\n- [b](two.md)\n')).toEqual(['one.md', 'two.md']);
});
