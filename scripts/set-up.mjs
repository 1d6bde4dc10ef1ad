// Installs the dependencies if they are missing or older than the lock file, and builds the playground page where its
// sources are newer. Runs before every npm script, on whatever Node is there; the scripts themselves then find the
// project's own Node first on their PATH. What npm says on the way is shown where it fails, and then all of it.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const installed = join(root, 'node_modules', '.package-lock.json');
const wanted = join(root, 'package-lock.json');
const page = join(root, 'web', 'dist', 'index.html');
const pageSources = [join(root, 'web'), join(root, 'src', 'contract'), wanted];

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(wanted).mtimeMs) {
  const paths = packagePaths();
  const present = () => paths.filter((path) => existsSync(join(root, path, 'package.json'))).length;
  console.error('Setting up Soundstage. This happens once, and again when what it depends on changes.');
  const code = await run({
    title: 'packages',
    progress: () => `${present()} of ${paths.length}`,
    done: 'installed',
    program: 'npm',
    // On Windows npm is a script.
    shell: process.platform === 'win32',
    parameters: ['ci', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel', 'verbose'],
    // Older versions of npm do not know `allowScripts` in package.json: this keeps a part for CUDA from being fetched.
    environment: { ONNXRUNTIME_NODE_INSTALL: 'skip' },
  });
  if (code !== 0) {
    console.error('The packages could not be installed; what npm said is above.');
    process.exit(code);
  }
}

if (!existsSync(page) || pageSources.some((source) => newest(source) > statSync(page).mtimeMs)) {
  // Not by the Node that runs this script: it may be older than what Vite needs.
  const node = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const code = await run({
    title: 'page',
    progress: () => 'building',
    done: 'built',
    program: existsSync(node) ? node : process.execPath,
    parameters: [vite, 'build', 'web', '--logLevel', 'warn'],
  });
  if (code !== 0) console.error('The playground page could not be built; everything else works without it.');
}

/**
 * Runs a program with one line about how it goes on, which redraws itself on a terminal, and shows all it printed where it
 * fails. Returns its exit code.
 */
async function run({ title, progress, done, program, parameters, environment = {}, shell = false }) {
  const started = Date.now();
  const printed = [];
  const line = (state) =>
    [`  ${title.padEnd(8)}`, state.padEnd(10), `${Math.round((Date.now() - started) / 1000)} s`].join('  ');
  // What a script itself prints is for whoever reads its output.
  const { isTTY } = process.stderr;
  const write = (text) => process.stderr.write(isTTY ? `\r\u001b[K${text}` : `${text}\n`);
  const child = spawn(program, parameters, { cwd: root, env: { ...process.env, ...environment }, shell });
  child.stdout.on('data', (data) => printed.push(data));
  child.stderr.on('data', (data) => printed.push(data));
  write(line(progress()));
  // Where nothing can be redrawn, often enough to see that it lives.
  const clock = setInterval(() => write(line(progress())), isTTY ? 500 : 20_000);
  const code = await new Promise((resolve) => {
    child.once('error', (error) => {
      printed.push(Buffer.from(`${error.message}\n`));
      resolve(1);
    });
    child.once('close', (status) => resolve(status ?? 1));
  });
  clearInterval(clock);
  write(line(code === 0 ? done : 'failed'));
  if (isTTY) process.stderr.write('\n');
  if (code !== 0) process.stderr.write(Buffer.concat(printed));
  return code;
}

/** Of all packages in the lock file that are for this system. */
function packagePaths() {
  const { packages } = JSON.parse(readFileSync(wanted, 'utf8'));
  const fits = (choices, value) => choices === undefined || choices.includes(value);
  return Object.entries(packages)
    .filter(([path, { os, cpu, libc }]) => {
      const isMusl = libc !== undefined && !libc.includes('glibc');
      return path !== '' && fits(os, process.platform) && fits(cpu, process.arch) && !isMusl;
    })
    .map(([path]) => path);
}

/** Milliseconds since 1970 of the newest change in a file or folder. */
function newest(path) {
  if (!statSync(path).isDirectory()) return statSync(path).mtimeMs;
  const names = readdirSync(path).filter((name) => name !== 'dist');
  return Math.max(0, ...names.map((name) => newest(join(path, name))));
}
