// THIRD-PARTY.md: what is passed on with the program, made from package-lock.json, the installed packages and scripts/native-parts.ts.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  carriedFiles,
  ffmpeg,
  imageBases,
  libvipsLibraries,
  type NativeFile,
  onnxRuntime,
  type Part,
  pglite,
  platformPackages,
  undeclaredLicenses,
} from './native-parts.ts';

const root = join(import.meta.dirname, '..');

/** Licenses that were read and found to permit use in this program. What an SPDX expression names has to be here. */
const readLicenses: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'LGPL-3.0-or-later',
  'MIT',
  'MPL-2.0',
  'Unlicense',
]);

const packageFileSchema = z.object({
  repository: z.union([z.string(), z.object({ url: z.string() })]).optional(),
  homepage: z.string().optional(),
});

const lockedPackageSchema = z.object({
  version: z.string().optional(),
  license: z.string().optional(),
  dev: z.boolean().optional(),
  dependencies: z.record(z.string(), z.string()).optional(),
});
type LockedPackage = z.infer<typeof lockedPackageSchema>;

const lockSchema = z.object({ packages: z.record(z.string(), lockedPackageSchema) });

/** The document for the dependencies as they are locked and installed. Rejects where a license is unknown. */
export async function thirdPartyText(): Promise<string> {
  const lock = lockSchema.parse(JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'))).packages;
  const paths = Object.keys(lock).filter((path) => path !== '' && lock[path]?.dev !== true);
  const inPage = (await packagesInPage(lock)).filter((path) => lock[path]?.dev === true);
  const natives = [ffmpeg, onnxRuntime, pglite];
  for (const native of natives) requireReadVersion(native, lock);
  return [
    '# What Soundstage passes on of others',
    'Made by `node scripts/write-third-party.ts` from package-lock.json, the installed packages and scripts/native-parts.ts; a test compares. ' +
      "Soundstage's own code is under the [MIT License](LICENSE). What the licenses below mean for those who run it, build it into something, " +
      'or pass it on: [README](README.md#licenses), [images](docs/production.md#passing-images-on). Weights that are fetched later ' +
      '[have their own licenses](docs/weights.md#licenses).',
    '## Packages',
    'Of each package the version that is locked, and the license that it declares for itself. Native files inside packages have more to ' +
      'them; see below. A `*` stands for the processors and systems that a package is made for.',
    table(uniqueParts(await Promise.all(paths.map((path) => packagePart(path, lock))))),
    '## In the built page',
    'Bundled into `web/dist`, besides packages named above. Their full notices are in `web/dist/assets/licenses.md`.',
    table(uniqueParts(await Promise.all(inPage.map((path) => packagePart(path, lock))))),
    '## Inside native files',
    'A version is given where the native file states one.',
    ...natives.flatMap(({ title, package: name, readVersion, remarks, libraries }) => [
      `### ${title}, in ${name} ${readVersion}`,
      remarks,
      table(libraries),
    ]),
    '### libvips, in @img/sharp-libvips-*',
    'One shared library under the LGPL, version 3 or later, that `sharp` loads. Licenses as in the README of the package.',
    table(await libvipsParts()),
    '## Files in this repository',
    table(carriedFiles),
    '## Below the images',
    'What `deploy/Containerfile` starts from.',
    table(imageBases),
  ]
    .join('\n\n')
    .concat('\n');
}

/** Lock paths of what the sources of the page import, and of what that depends on. */
async function packagesInPage(lock: Readonly<Record<string, LockedPackage>>): Promise<readonly string[]> {
  const entries = await readdir(join(root, 'web/src'), { recursive: true, withFileTypes: true });
  const files = entries.filter(({ name }) => /\.tsx?$/.test(name) && !/\.test\.tsx?$/.test(name));
  const texts = await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'utf8')));
  const imports = texts.flatMap((text) => [
    ...text.matchAll(/^import (?!type ).*?from '((?:@[^/']+\/)?[^./'][^/']*)/gms),
  ]);
  const found = new Set<string>();
  const waiting = imports.map(([, name = '']) => `node_modules/${name}`);
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const entry = lock[path];
    if (entry === undefined || found.has(path)) continue;
    found.add(path);
    waiting.push(...Object.keys(entry.dependencies ?? {}).map((name) => `node_modules/${name}`));
  }
  return [...found];
}

/** The license of a package, where it is one that was read. */
export function acceptedLicense(name: string, version: string | undefined, declared: string | undefined): string {
  const license = declared ?? undeclaredLicenses[name];
  if (license === undefined) {
    throw new Error(
      `${name} ${version} declares no license: read it, and name it in scripts/native-parts.ts (undeclaredLicenses)`,
    );
  }
  const unread = license.split(/[\s()]+|\bAND\b|\bOR\b/).filter((word) => word !== '' && !readLicenses.has(word));
  if (unread.length === 0) return license;
  throw new Error(
    `${name} ${version} is under ${license}: if ${unread.join(', ')} permits its use here, add it to scripts/third-party.ts`,
  );
}

async function packagePart(path: string, lock: Readonly<Record<string, LockedPackage>>): Promise<Part> {
  const { version, license: declared } = lock[path] ?? {};
  const name = path.replace(/^.*node_modules\//, '');
  const license = acceptedLicense(name, version, declared);
  const family = Object.keys(platformPackages).find((start) => name.startsWith(start));
  const source = family === undefined ? await declaredSource(path, name) : platformPackages[family];
  return {
    name: family?.endsWith('-') ? `${family}*` : name,
    ...(version !== undefined && { version }),
    license,
    source: source ?? '',
  };
}

async function declaredSource(path: string, name: string): Promise<string> {
  const text = await readFile(join(root, path, 'package.json'), 'utf8').catch((cause: unknown) => {
    throw new Error(
      `${name} is locked but not installed: run npm ci, or, if it is for other platforms, name its source in scripts/native-parts.ts ` +
        '(platformPackages)',
      { cause },
    );
  });
  const { repository, homepage } = packageFileSchema.parse(JSON.parse(text));
  const declared = typeof repository === 'string' ? repository : repository?.url;
  return webAddress(declared ?? homepage ?? `https://www.npmjs.com/package/${name}`);
}

/** `git+ssh://git@github.com/a/b.git`, `git@github.com:a/b`, `github:a/b`, `a/b` and the like as a page to open. */
function webAddress(repository: string): string {
  const short = /^(?:github:)?([\w.-]+\/[\w.-]+)$/.exec(repository)?.[1];
  if (short !== undefined) return `https://github.com/${short}`;
  const [, host, path] =
    /^(?:(?:git\+)?(?:https?|ssh|git):\/\/)?(?:git@)?([\w.-]+)[/:](.+?)(?:\.git)?$/.exec(repository) ?? [];
  if (host === undefined || path === undefined) throw new Error(`${repository} is no address of a repository`);
  return `https://${host}/${path}`;
}

async function libvipsParts(): Promise<readonly Part[]> {
  const installed = (await readdir(join(root, 'node_modules/@img'))).find((name) => name.startsWith('sharp-libvips-'));
  if (installed === undefined) throw new Error('no @img/sharp-libvips package is installed: run npm ci');
  const path = join(root, 'node_modules/@img', installed, 'versions.json');
  const versions = z.record(z.string(), z.string()).parse(JSON.parse(await readFile(path, 'utf8')));
  const gone = Object.keys(libvipsLibraries).filter((name) => !(name in versions));
  if (gone.length > 0)
    throw new Error(`${installed} has no ${gone.join(', ')} any more: remove it from scripts/native-parts.ts`);
  return Object.entries(versions).map(([name, version]) => {
    const known = libvipsLibraries[name];
    if (known === undefined) {
      throw new Error(
        `${installed} contains ${name}: read its license in the package's README and add it to scripts/native-parts.ts`,
      );
    }
    return { name, version, ...known };
  });
}

function requireReadVersion(native: NativeFile, lock: Readonly<Record<string, LockedPackage>>): void {
  const version = lock[`node_modules/${native.package}`]?.version;
  if (version === native.readVersion) return;
  throw new Error(
    `${native.package} is locked at ${version}, but scripts/native-parts.ts was read from ${native.readVersion}: look through what its ` +
      `native file contains, correct the list of ${native.title}, and set readVersion`,
  );
}

/** One row for each name and version; packages for several platforms share theirs. */
function uniqueParts(parts: readonly Part[]): readonly Part[] {
  const rows = new Map(parts.map((part) => [`${part.name} ${part.version} ${part.license}`, part]));
  return [...rows.entries()].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, part]) => part);
}

function table(parts: readonly Part[]): string {
  const rows = parts.map(({ name, version = '', license, source }) => [name, version, license, source]);
  return [['name', 'version', 'license', 'source'], Array(4).fill('---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
