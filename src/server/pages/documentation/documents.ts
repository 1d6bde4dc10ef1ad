import { readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Lazy } from '../../../shared/lazy.ts';
import { errorCode } from '../../../shared/system-code.ts';
import { linksIn, type Section, sectionsOf } from './markdown.ts';

const program = fileURLToPath(new URL('../../../../', import.meta.url));

/** Beside the folder `docs`. */
const atTheRoot = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'];
const folder = 'docs';
/** Types of the pictures by extension. */
const pictureTypes: Readonly<Record<string, string>> = { '.png': 'image/png', '.webp': 'image/webp' };

/** A document of the repository. */
export interface Document {
  /** In the address of its page: `api` for `docs/api.md`. */
  readonly name: string;
  /** From the root of the repository, with slashes. */
  readonly file: string;
  readonly title: string;
  readonly text: string;
  readonly sections: readonly Section[];
}

/** The documents and pictures that are here. */
export interface Documents {
  /** In the order in which the README names them. */
  readonly documents: readonly Document[];
  /** By what is below `docs/`, e.g. `images/playground.png`. */
  readonly pictures: ReadonlyMap<string, Picture>;
}

export interface Picture {
  readonly path: string;
  readonly contentType: string;
}

/** Read when they are first asked for. */
export function lazyDocuments(root = program): Lazy<Documents> {
  return new Lazy(() => readDocuments(root));
}

async function readDocuments(root: string): Promise<Documents> {
  const names = await namesIn(join(root, folder));
  const files = [...atTheRoot, ...names.filter((name) => /^[^/]+\.md$/.test(name)).map((name) => `${folder}/${name}`)];
  const read = await Promise.all(files.map(async (file) => await readDocument(root, file)));
  const documents = read.filter((document) => document !== undefined);
  const readme = documents.find(({ file }) => file === atTheRoot[0]);
  const order = readme === undefined ? [] : linksIn(readme.text);
  const place = ({ file }: Document): number =>
    file === readme?.file ? -1 : order.indexOf(file) + 1 || order.length + 1;
  const pictures = names.flatMap((name): [string, Picture][] => {
    const contentType = pictureTypes[posix.extname(name)];
    return contentType === undefined ? [] : [[name, { path: join(root, folder, name), contentType }]];
  });
  return {
    documents: documents.toSorted((one, other) => place(one) - place(other)),
    pictures: new Map(pictures),
  };
}

async function readDocument(root: string, file: string): Promise<Document | undefined> {
  const text = await whereThere(readFile(join(root, file), 'utf8'));
  if (text === undefined) return undefined;
  const sections = sectionsOf(text);
  const name = posix.basename(file, '.md').toLowerCase();
  return { name, file, text, sections, title: sections[0]?.heading || name };
}

async function namesIn(path: string): Promise<readonly string[]> {
  const names = await whereThere(readdir(path, { recursive: true }));
  return (names ?? []).map((name) => name.replaceAll('\\', '/')).sort();
}

/** What is passed on may be without its documentation. */
async function whereThere<Value>(reading: Promise<Value>): Promise<Value | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
