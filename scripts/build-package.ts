// Compiles the sources for the npm package, file by file into the same folders: Node strips types only outside of
// node_modules. `npm pack` and `npm publish` run this first; whatever else is in the package is listed in package.json.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const declarations = mkdtempSync(join(tmpdir(), 'soundstage-declarations-'));
const compiler = join(root, 'node_modules/typescript/bin/tsc');
const flags = ['--project', 'tsconfig.package.json', '--declaration', '--declarationDir', declarations];

try {
  rmSync(dist, { recursive: true, force: true });
  execFileSync(process.execPath, [compiler, ...flags], { cwd: root, stdio: 'inherit' });
  for (const name of typesOf('library/soundstage.d.ts')) copyFileSync(join(declarations, name), join(dist, name));
  chmodSync(join(dist, 'main.js'), 0o755);
} finally {
  rmSync(declarations, { recursive: true, force: true });
}

/** A file of types and all those that it takes from: the rest is nobody's business. */
function typesOf(name: string, known = new Set<string>()): ReadonlySet<string> {
  if (known.has(name)) return known;
  known.add(name);
  const text = readFileSync(join(declarations, name), 'utf8');
  for (const [, path = ''] of text.matchAll(/(?:from|import) '(\.[^']+)\.ts'/g)) {
    typesOf(`${join(dirname(name), path)}.d.ts`, known);
  }
  return known;
}
