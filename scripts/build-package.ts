// Compiles the sources for the npm package, file by file into the same folders: Node strips types only outside of
// node_modules. `npm pack` and `npm publish` run this first; whatever else is in the package is listed in package.json.
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const compiler = join(root, 'node_modules/typescript/bin/tsc');

rmSync(join(root, 'dist'), { recursive: true, force: true });
execFileSync(process.execPath, [compiler, '--project', 'tsconfig.package.json'], { cwd: root, stdio: 'inherit' });
chmodSync(join(root, 'dist/main.js'), 0o755);
