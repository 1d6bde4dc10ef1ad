import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { getFFmpegInfo } from 'node-av/lib';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { ffmpeg, ffmpegOwnOptions, libvipsLibraries, onnxRuntime, pglite } from '../scripts/native-parts.ts';
import { acceptedLicense, thirdPartyText } from '../scripts/third-party.ts';

const root = join(import.meta.dirname, '..');
const require = createRequire(import.meta.url);

test('THIRD-PARTY.md is what the locked and installed packages say', async () => {
  // Where this fails: node scripts/write-third-party.ts
  expect(await readFile(join(root, 'THIRD-PARTY.md'), 'utf8')).toBe(await thirdPartyText());
});

test('a package whose license is unknown or was not read is refused by name', () => {
  expect(acceptedLicense('fine', '1.0.0', '(MIT OR CC0-1.0)')).toBe('(MIT OR CC0-1.0)');
  expect(() => acceptedLicense('silent', '1.0.0', undefined)).toThrow('silent 1.0.0 declares no license');
  expect(() => acceptedLicense('strict', '1.0.0', 'MIT AND AGPL-3.0-only')).toThrow(
    'strict 1.0.0 is under MIT AND AGPL',
  );
  expect(() => acceptedLicense('odd', '1.0.0', 'SEE LICENSE IN LICENSE')).toThrow('odd 1.0.0 is under SEE LICENSE');
});

test('it lists what the built page has bundled', async () => {
  const text = await readFile(join(root, 'THIRD-PARTY.md'), 'utf8');
  const notices = await readFile(join(root, 'web/dist/assets/licenses.md'), 'utf8');
  const bundled = [...notices.matchAll(/^## (\S+) - (\S+) \((.+)\)$/gm)];
  expect(bundled.length).toBeGreaterThanOrEqual(3);
  for (const [, name, version, license] of bundled) expect(text).toContain(`| ${name} | ${version} | ${license} |`);
});

test('both images carry the list, and say that they are not under MIT alone', async () => {
  const file = await readFile(join(root, 'deploy/Containerfile'), 'utf8');
  expect(file).toMatch(/^COPY package\.json LICENSE THIRD-PARTY\.md /m);
  expect(await readFile(join(root, 'deploy/Containerfile.dockerignore'), 'utf8')).toMatch(/^!THIRD-PARTY\.md$/m);
  const labels = [...file.matchAll(/^LABEL org\.opencontainers\.image\.licenses="(.+)"$/gm)];
  expect(labels.map(([, licenses = '']) => licenses.split(' AND ').includes('GPL-3.0-or-later'))).toEqual([true, true]);
});

describe('native files state the libraries that are listed for them', () => {
  test.skipIf(process.platform !== 'linux')('FFmpeg', () => {
    const { version, configuration } = getFFmpegInfo();
    expect(version).toBe(ffmpeg.libraries.find(({ name }) => name === 'FFmpeg')?.version);
    const enabled = configuration.split(' ').filter((option) => option.startsWith('--enable-'));
    const listed = ffmpeg.libraries.flatMap(({ configured, processor = process.arch }) =>
      configured === undefined || processor !== process.arch ? [] : [configured],
    );
    expect(enabled.toSorted()).toEqual([...ffmpegOwnOptions, ...listed].toSorted());
  });

  test('libvips', () => {
    const { sharp: _own, ...versions } = sharp.versions;
    expect(Object.keys(versions).toSorted()).toEqual(Object.keys(libvipsLibraries).toSorted());
  });

  test('PostgreSQL', async () => {
    const program = await readFile(join(root, 'node_modules/@electric-sql/pglite/dist/pglite.wasm'), 'latin1');
    // What version() and pg_config answer, without the seconds that a start takes.
    expect(/PostgreSQL ([\d.]+) \(PGlite/.exec(program)?.[1]).toBe(
      pglite.libraries.find(({ name }) => name === 'PostgreSQL')?.version,
    );
    const [configuration = ''] = /'--host' 'wasm32[^\0]*/.exec(program) ?? [];
    const options = [...configuration.matchAll(/'(--with-[^']+)'/g)].map(([, option = '']) => option);
    const libraries = options.filter((option) => !/=no$|^--with-(?:includes|libraries|template)=/.test(option));
    const listed = pglite.libraries.flatMap(({ configured = [] }) => configured);
    expect(libraries.toSorted()).toEqual(listed.toSorted());
  });

  test.skipIf(process.platform !== 'linux')('ONNX Runtime', async () => {
    const folder = join(require.resolve('onnxruntime-node/package.json'), '../bin/napi-v6/linux', process.arch);
    const library = await readFile(join(folder, 'libonnxruntime.so.1'));
    expect(library.includes(`\0${onnxRuntime.readVersion}\0`)).toBe(true);
  });
});
