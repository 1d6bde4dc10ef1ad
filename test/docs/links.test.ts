import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Document, readDocuments, root, targetOf } from './documents.ts';

const documents = await readDocuments();

test.each(documents.map((document) => [document.name, document] as const))('the links of %s resolve', (_, document) => {
  expect(linksOf(document).flatMap((link) => problemWith(link, document) ?? [])).toEqual([]);
});

test('every page of the documentation is reached from the README', () => {
  const reached = new Set<string>();
  const follow = (name: string): void => {
    const document = documents.find((candidate) => candidate.name === name);
    if (document === undefined || reached.has(name)) return;
    reached.add(name);
    for (const link of linksOf(document)) if (!isAbroad(link)) follow(targetOf(document, withoutAnchor(link)));
  };
  follow('README.md');
  expect(documents.map(({ name }) => name).filter((name) => !reached.has(name))).toEqual([]);
});

function linksOf({ tokens }: Document): readonly string[] {
  const links = tokens.flatMap(({ token }) => (token.type === 'link' || token.type === 'image' ? [token.href] : []));
  return links.map(String);
}

function problemWith(link: string, document: Document): string | undefined {
  if (isAbroad(link)) return undefined;
  const path = withoutAnchor(link);
  const target = path === '' ? document.name : targetOf(document, path);
  if (!existsSync(join(root, target))) return `${link}: there is no ${target}`;
  const anchor = link.includes('#') ? link.slice(link.indexOf('#') + 1) : undefined;
  const there = documents.find(({ name }) => name === target);
  if (anchor === undefined || there === undefined) return undefined;
  return there.anchors.has(anchor) ? undefined : `${link}: ${target} has no such heading`;
}

function isAbroad(link: string): boolean {
  return /^[a-z]+:/i.test(link);
}

function withoutAnchor(link: string): string {
  return link.replace(/#.*$/, '');
}
