import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const run = promisify(execFile);
const dependency = { name: 'own', version: '1.0.0', engines: { node: '>=99' } };
const manifest = { name: 'project', version: '1.0.0', dependencies: { own: 'file:own' } };
const lock = {
  ...{ name: 'project', version: '1.0.0', lockfileVersion: 3, requires: true },
  packages: {
    '': manifest,
    'node_modules/own': { resolved: 'own', link: true },
    own: { version: '1.0.0', engines: dependency.engines },
  },
};

let folder: string;
beforeEach(async () => {
  // A project whose page is built, and that depends on nothing that a registry has.
  folder = await mkdtemp(join(tmpdir(), 'soundstage-set-up-'));
  await cp(join(root, 'scripts/set-up.mjs'), join(folder, 'scripts/set-up.mjs'));
  for (const [name, content] of Object.entries({
    'package.json': manifest,
    'own/package.json': dependency,
    'package-lock.json': lock,
    'src/contract/input.ts': '',
    'web/dist/index.html': '',
  })) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), JSON.stringify(content));
  }
});
afterEach(() => rm(folder, { recursive: true }));

async function setUp(): Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }> {
  const env = { PATH: [dirname(process.execPath), process.env.PATH].join(delimiter), HOME: folder };
  return await run(process.execPath, [join(folder, 'scripts/set-up.mjs')], { env }).then(
    (output) => ({ code: 0, ...output }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
}

test('it says in a few lines what is installed and how far it is, without the warnings of npm, and nothing once it is', async () => {
  const first = await setUp();
  expect(first.stderr).toMatch(
    /^Setting up Soundstage\..*\n {2}packages {2}\d of 2 +\d+ s\n {2}packages {2}installed {3}\d+ s\n$/,
  );
  expect(first).toMatchObject({ code: 0, stdout: '' });
  expect(await readdir(join(folder, 'node_modules'))).toContain('own');
  expect(await setUp()).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('where npm fails, all is printed that it said', async () => {
  const failing = { ...dependency, scripts: { install: 'echo the disk is full && exit 3' } };
  await writeFile(join(folder, 'own/package.json'), JSON.stringify(failing));
  const { code, stderr } = await setUp();
  expect(code).not.toBe(0);
  expect(stderr).toContain('  packages  failed');
  expect(stderr).toContain('npm verbose');
  expect(stderr).toContain('npm error the disk is full');
  expect(stderr).toMatch(/The packages could not be installed; what npm said is above\.\n$/);
});

test('npm knows every setting of the project', async () => {
  const env = { PATH: process.env.PATH, HOME: folder };
  const { stderr } = await run('npm', ['pkg', 'get', 'name'], { cwd: root, env });
  expect(stderr).toBe('');
});
