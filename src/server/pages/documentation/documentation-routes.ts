import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { Hono } from 'hono';
import { html } from 'hono/html';
import type { AppContext, AppEnv } from '../../app-env.ts';
import { detail } from '../../replies.ts';
import { documentPage, type Html } from '../layout/document-page.ts';
import { rootFrom } from '../layout/relative-root.ts';
import { safeHeaders } from '../layout/safe-headers.ts';
import { type Document, type Documents, lazyDocuments, type Picture } from './documents.ts';
import { type Resolve, renderMarkdown } from './markdown.ts';
import { type Hit, search } from './search.ts';

/** Letters of a query that are looked for. */
const longestQuery = 200;

/** The repository's documents as pages, their pictures, and a search through them. */
export function documentationRoutes(known = lazyDocuments()): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get('/docs', async (c) => {
    const query = (c.req.query('q') ?? '').trim().slice(0, longestQuery);
    const { documents } = await known.get();
    return query === '' ? indexPage(c, documents) : resultsPage(c, query, search(documents, query));
  });
  routes.get('/docs/*', async (c) => {
    const { documents, pictures } = await known.get();
    const name = c.var.path.slice('/docs/'.length);
    const document = documents.find((each) => each.name === name);
    if (document !== undefined) return readingPage(c, document, { documents, pictures });
    const picture = pictures.get(name);
    if (picture !== undefined) return pictureReply(c, picture);
    return name.includes('.') ? detail(c, 404, 'Not Found') : missingPage(c, documents);
  });
  return routes;
}

function indexPage(c: AppContext, documents: readonly Document[]): Promise<Response> {
  const body = html`<h1>Documentation</h1>
${documents.length === 0 ? html`<p>This installation has no documents with it.</p>` : documentList(c, documents)}`;
  return documentPage(c, { title: 'Documentation', body });
}

function missingPage(c: AppContext, documents: readonly Document[]): Promise<Response> {
  const body = html`<h1>There is no such document</h1>\n${documentList(c, documents)}`;
  return documentPage(c, { title: 'Not found', body, status: 404 });
}

function documentList(c: AppContext, documents: readonly Document[]): Html {
  const root = rootFrom(c);
  return html`<ul>${documents.map(({ name, title }) => html`<li><a href="${root}docs/${name}">${title}</a></li>\n`)}</ul>`;
}

function resultsPage(c: AppContext, query: string, hits: readonly Hit[]): Promise<Response> {
  const root = rootFrom(c);
  const body = html`<h1>Search</h1>
<p role="status">${hits.length === 0 ? 'Nothing' : `${hits.length} ${hits.length === 1 ? 'section' : 'sections'}`} found for “${query}”.</p>
${hits.map(
  ({ document, section, excerpt }) => html`<h3><a href="${root}docs/${document.name}#${section.anchor}">${
    section.heading === document.title || section.heading === ''
      ? document.title
      : `${document.title}: ${section.heading}`
  }</a></h3>
<p>${excerpt}</p>
`,
)}`;
  return documentPage(c, { title: `Search: ${query}`, body, query });
}

function readingPage(c: AppContext, document: Document, known: Documents): Promise<Response> {
  const body = renderMarkdown(document.text, resolver(document, known, rootFrom(c)));
  const chapters = document.sections.filter(({ level }) => level === 2);
  const contents = html`<ul><li><a href="${rootFrom(c)}docs">All documents</a></li>${chapters.map(
    ({ anchor, heading }) => html`<li><a href="#${anchor}">${heading}</a></li>`,
  )}</ul>`;
  return documentPage(c, { title: document.title, body, contents });
}

/** Links between documents lead to their pages; what is not served here leads nowhere. */
function resolver({ file }: Document, { documents, pictures }: Documents, root: string): Resolve {
  return (address) => {
    if (/^(?:https?|mailto):/i.test(address) || address.startsWith('#')) return address;
    if (/^[a-z][a-z0-9+.-]*:|^\//i.test(address)) return undefined;
    const [path = '', anchor] = address.split('#');
    const target = posix.join(posix.dirname(file), path);
    const document = documents.find((each) => each.file === target);
    if (document !== undefined) return `${root}docs/${document.name}${anchor === undefined ? '' : `#${anchor}`}`;
    return pictures.has(target.replace(/^docs\//, '')) ? `${root}${target}` : undefined;
  };
}

async function pictureReply(c: AppContext, { path, contentType }: Picture): Promise<Response> {
  const headers = { ...safeHeaders, 'content-type': contentType, 'cache-control': 'public, max-age=3600' };
  return c.body(new Uint8Array(await readFile(path)), 200, headers);
}
