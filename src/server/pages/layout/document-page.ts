import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import { version } from '../../../shared/folders/program-package.ts';
import type { AppContext } from '../../app-env.ts';
import { documentStyle } from './document-style.ts';
import { rootFrom } from './relative-root.ts';
import { safeHeaders } from './safe-headers.ts';

export type Html = ReturnType<typeof html>;

export interface DocumentPage {
  readonly title: string;
  readonly body: Html;
  /** Beside the body: what there is to jump to. */
  readonly contents?: Html | undefined;
  /** Runs when the page is there; the page must be of use without. */
  readonly script?: string | undefined;
  /** What is looked for in the documents. */
  readonly query?: string | undefined;
  readonly status?: 200 | 404 | undefined;
}

/** A page to read: HTML from the server, whole in one reply, which asks nobody for anything. */
export async function documentPage(c: AppContext, page: DocumentPage): Promise<Response> {
  const { title, body, contents, script, query = '', status = 200 } = page;
  const root = rootFrom(c);
  const text = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – Soundstage</title>
<link rel="icon" href="${root}assets/icon.svg" type="image/svg+xml">
<style>${raw(documentStyle)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<a class="brand" href="${root}">Soundstage</a>
<nav aria-label="Pages"><a href="${root}">Playground</a><a href="${root}docs">Documentation</a></nav>
<form role="search" action="${root}docs"><input type="search" name="q" value="${query}" placeholder="Search the documentation" aria-label="Search the documentation"></form>
</header>
<div class="columns">
${contents === undefined ? '' : html`<nav class="contents" aria-label="On this page">${contents}</nav>`}
<main id="content" tabindex="-1">
${body}
</main>
</div>
<footer>Soundstage ${version}</footer>
${script === undefined ? '' : html`<script>${raw(script)}</script>`}
</body>
</html>
`;
  return c.html(await text, status, {
    ...safeHeaders,
    // Addresses in it are those by which this caller came.
    'cache-control': 'no-cache, private',
    'content-security-policy': policy(script),
  });
}

function policy(script: string | undefined): string {
  return [
    "default-src 'none'",
    `script-src ${script === undefined ? "'none'" : hashOf(script)}`,
    `style-src ${styleHash}`,
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}

const styleHash = hashOf(documentStyle);

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
