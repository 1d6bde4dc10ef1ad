import { html, raw } from 'hono/html';
import { lexer, Marked, Renderer, type Token, type Tokens } from 'marked';
import type { Html } from '../layout/document-page.ts';

/** What a heading stands over, up to the next one; the first section is the document's beginning. */
export interface Section {
  /** Empty before the first heading. */
  readonly heading: string;
  readonly level: number;
  /** Name of the heading in links. */
  readonly anchor: string;
  /** Without marks. */
  readonly text: string;
}

export function sectionsOf(markdown: string): readonly Section[] {
  const nextAnchor = anchors();
  const sections: Section[] = [];
  for (const token of lexer(markdown)) {
    const last = sections.at(-1);
    if (token.type === 'heading') {
      const heading = plainText(token);
      sections.push({ heading, level: Number(token.depth), anchor: nextAnchor(heading), text: '' });
    } else if (token.type !== 'space' && token.type !== 'html') {
      const text = `${last?.text ?? ''} ${plainText(token)}`.replace(/\s+/g, ' ').trim();
      if (last === undefined) sections.push({ heading: '', level: 0, anchor: '', text });
      else sections[sections.length - 1] = { ...last, text };
    }
  }
  return sections;
}

/** Where the links of a document lead, in order and without anchors. */
export function linksIn(markdown: string): readonly string[] {
  const links: string[] = [];
  new Marked({
    walkTokens: (token) => {
      if (token.type === 'link') links.push(String(token.href).replace(/#.*/, ''));
    },
  }).parse(markdown);
  return links;
}

/** Where a link or a picture of a document leads, as an address for its page; undefined where nothing is served there. */
export type Resolve = (address: string) => string | undefined;

/** A document as HTML. Nothing in it is taken for HTML that is not Markdown, and links lead where `resolve` says. */
export function renderMarkdown(markdown: string, resolve: Resolve): Html {
  const nextAnchor = anchors();
  const plain = new Renderer();
  const rendered = new Marked({
    async: false,
    renderer: {
      heading(token) {
        const text = plainText(token);
        const anchor = nextAnchor(text);
        const link = html`<a class="anchor" href="#${anchor}" aria-label="Link to ${text}">#</a>`;
        return `<h${token.depth} id="${escaped(anchor)}">${this.parser.parseInline(token.tokens)}${link}</h${token.depth}>\n`;
      },
      // Comments are for those who read the sources; anything else is shown as it is written.
      html: ({ text }) => (/^\s*<!--[\s\S]*-->\s*$/.test(text) ? '' : escaped(text)),
      code: ({ text }) => `<pre tabindex="0" role="region" aria-label="Example"><code>${escaped(text)}</code></pre>\n`,
      table(token) {
        plain.parser = this.parser;
        return `<div class="scroller" tabindex="0" role="region" aria-label="Table">${plain.table(token)}</div>\n`;
      },
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens);
        const address = resolve(href);
        if (address === undefined) return `<span title="${escaped(href)}, in the sources">${text}</span>`;
        return `<a href="${escaped(address)}">${text}</a>`;
      },
      image({ href, text }) {
        const address = resolve(href);
        return address === undefined
          ? escaped(text)
          : `<img src="${escaped(address)}" alt="${escaped(text)}" loading="lazy">`;
      },
    },
  }).parse(markdown);
  return raw(String(rendered));
}

/** Names of headings in links, as GitHub makes them; one function for each document, since names are given once. */
function anchors(): (heading: string) => string {
  const given = new Set<string>();
  return (heading) => {
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
    let name = slug;
    for (let n = 1; given.has(name); n += 1) name = `${slug}-${n}`;
    given.add(name);
    return name;
  };
}

function plainText(token: Token): string {
  const inner = childrenOf(token);
  if (inner.length > 0) return inner.map(plainText).join(isBlock(token) ? ' ' : '');
  if (token.type === 'html') return '';
  return 'text' in token ? String(token.text) : '';
}

function isBlock({ type }: Token): boolean {
  return ['list', 'list_item', 'table', 'blockquote'].includes(type);
}

function childrenOf(token: Token): readonly Token[] {
  switch (token.type) {
    case 'list':
      return (token as Tokens.List).items;
    case 'table': {
      const { header, rows } = token as Tokens.Table;
      return [...header, ...rows.flat()].flatMap((cell) => [...cell.tokens, space]);
    }
    default:
      return 'tokens' in token ? (token.tokens ?? []) : [];
  }
}

const space: Token = { type: 'text', raw: ' ', text: ' ' };

function escaped(text: string): string {
  return String(html`${text}`);
}
