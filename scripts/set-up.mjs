// Installs the dependencies if they are missing or older than the lock file, and builds the playground page where its
// sources are newer. Runs before every npm script, on whatever Node is there; the scripts themselves then find the
// project's own Node first on their PATH.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const installed = join(root, 'node_modules', '.package-lock.json');
const wanted = join(root, 'package-lock.json');

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(wanted).mtimeMs) {
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(status ?? 1);
}

const page = join(root, 'web', 'dist', 'index.html');
const pageSources = [join(root, 'web'), join(root, 'src', 'contract'), wanted];

if (!existsSync(page) || pageSources.some((source) => newest(source) > statSync(page).mtimeMs)) {
  // Not by the Node that runs this script: it may be older than what Vite needs.
  const node = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const build = [vite, 'build', 'web', '--logLevel', 'warn'];
  const { status } = spawnSync(existsSync(node) ? node : process.execPath, build, { cwd: root, stdio: 'inherit' });
  if (status !== 0) console.error('The playground page could not be built; `npm run build` says more.');
}

/** Milliseconds since 1970 of the newest change in a file or folder. */
function newest(path) {
  if (!statSync(path).isDirectory()) return statSync(path).mtimeMs;
  const names = readdirSync(path).filter((name) => name !== 'dist');
  return Math.max(0, ...names.map((name) => newest(join(path, name))));
}
