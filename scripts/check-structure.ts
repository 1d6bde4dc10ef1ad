// Which folder may import from which, and how many files lie beside each other: part of `npm run check`.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const maxFiles = 15;

/** Folders that are no rooms to look around in. */
const unlimited = ['test/fixtures/', 'docs/', 'models/', 'examples/'];

/** What may be imported besides the folder's own files, less what has a `!`; the longest name that fits a file counts. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  'src/shared': [],
  // Settings name the devices, and one file lists those.
  'src/shared/configuration.ts': ['src/shared', 'src/graph/graph-target.ts'],
  'src/cuda': ['src/shared', 'src/graph/graph-target.ts'],
  'src/cuda/install': ['src/cuda', 'src/models/hub', 'src/models/download/transfer.ts', 'src/shared'],
  'src/graph': ['src/shared'],
  'src/graph/weights': ['src/graph', 'src/shared'],
  'src/graph/runtime': ['src/graph', 'src/cuda', '!src/cuda/install', 'src/shared'],
  'src/media': ['src/shared'],
  'src/media/sound': ['src/shared'],
  'src/media/raw': ['src/media/sound', 'src/shared'],
  'src/media/native/decode': ['src/media', '!src/media/native/encode', 'src/shared'],
  'src/models': ['src/shared'],
  'src/models/hub': ['src/shared'],
  'src/ltx2': ['src/graph', 'src/shared'],
  'src/ltx2/layers': ['src/graph', 'src/shared'],
  'src/ltx2/sampling': [
    'src/ltx2/config.ts',
    'src/ltx2/transformer',
    'src/ltx2/audio/audio-latents.ts',
    'src/graph',
    'src/shared',
  ],
  'src/ltx2/audio': [
    'src/ltx2',
    '!src/ltx2/video',
    '!src/ltx2/text',
    '!src/ltx2/transformer',
    'src/graph',
    'src/shared',
  ],
  'src/ltx2/video': [
    'src/ltx2',
    '!src/ltx2/audio',
    '!src/ltx2/text',
    '!src/ltx2/transformer',
    'src/graph',
    'src/shared',
  ],
  'src/ltx2/text': ['src/ltx2', '!src/ltx2/audio', '!src/ltx2/video', 'src/graph', 'src/shared'],
  'src/ltx2/transformer': [
    'src/ltx2',
    '!src/ltx2/audio',
    '!src/ltx2/video',
    '!src/ltx2/text',
    'src/graph',
    'src/shared',
  ],
  'src/fetching': ['src/models', 'src/shared'],
  'src/fetching/http': ['src/fetching', '!src/fetching/loras', 'src/shared'],
  'src/database': ['src/shared'],
  'src/files': ['src/database', 'src/shared'],
  'src/safety': ['src/graph', 'src/media', 'src/models', 'src/shared'],
  'src/safety/prompts': [],
  'src/pipeline': ['src/ltx2', 'src/graph', 'src/cuda', '!src/cuda/install', 'src/media', 'src/models', 'src/shared'],
  'src/pipeline/plan': ['src/ltx2', 'src/graph', 'src/media', 'src/models', 'src/shared'],
  'src/contract': ['src/pipeline', 'src/media', 'src/models', 'src/shared'],
  'src/film': [
    'src/contract',
    'src/pipeline',
    'src/ltx2/sampling/positions.ts',
    'src/media',
    'src/models',
    'src/shared',
  ],
  'src/jobs': [
    'src/film',
    'src/contract',
    'src/pipeline',
    'src/safety',
    'src/fetching',
    'src/files',
    'src/database',
    'src/media',
    'src/models',
    'src/shared',
  ],
  'src/jobs/request': [
    'src/jobs/clip-maker.ts',
    'src/jobs/webhooks/webhook-queue.ts',
    'src/jobs/webhooks/webhook-timing.ts',
    'src/contract',
    'src/pipeline/engine/engine-messages.ts',
    'src/files',
    'src/database',
    'src/shared',
  ],
  'src/jobs/accept': ['src/jobs/request', 'src/contract', 'src/fetching', 'src/files', 'src/database', 'src/shared'],
  'src/jobs/watch': ['src/jobs/request', 'src/contract', 'src/database', 'src/shared'],
  'src/jobs/making': [
    'src/film',
    'src/jobs/clip-maker.ts',
    'src/jobs/request',
    'src/contract',
    'src/pipeline',
    'src/safety',
    'src/fetching',
    'src/files',
    'src/media',
    'src/models',
    'src/shared',
  ],
  'src/jobs/work': [
    'src/film',
    'src/jobs/clip-maker.ts',
    'src/jobs/request',
    'src/contract',
    'src/pipeline/engine/engine-messages.ts',
    'src/files',
    'src/database',
    'src/shared',
  ],
  'src/jobs/webhooks': ['src/jobs/request', 'src/contract', 'src/fetching', 'src/files', 'src/database', 'src/shared'],
  'src/jobs/upkeep': [
    'src/jobs/request',
    'src/jobs/webhooks',
    'src/jobs/work',
    'src/files',
    'src/database',
    'src/shared',
  ],
  'src/server': ['src/contract', 'src/jobs', 'src/files', 'src/database', 'src/shared'],
  'src/server/tls': ['src/server/addressing', 'src/shared'],
  'src/local': [
    'src/film',
    'src/jobs/making/fetch-inputs.ts',
    'src/contract',
    'src/fetching',
    'src/pipeline',
    'src/safety',
    'src/media',
    'src/models',
    'src/shared',
  ],
  'src/library': [
    'src/local',
    'src/film',
    'src/contract',
    'src/pipeline',
    'src/safety',
    'src/media',
    'src/models',
    'src/shared',
  ],
  'src/cli': ['src', '!src/main.ts'],
  eval: [
    'src',
    '!src/main.ts',
    '!src/server',
    '!src/jobs',
    '!src/database',
    '!src/files',
    '!src/fetching',
    '!src/safety',
  ],
  web: ['src/contract'],
};

const violations: string[] = [];
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
  .trim()
  .split('\n');

const folders = Map.groupBy(files, dirname);
for (const [folder, { length }] of folders) {
  const isLimited = folder !== '.' && !unlimited.some((prefix) => `${folder}/`.startsWith(prefix));
  if (isLimited && length > maxFiles)
    violations.push(`${folder} has ${length} files beside each other, not ${maxFiles}`);
}

for (const file of files.filter((name) => /\.tsx?$/.test(name) && !/\.test(-support)?\.ts$/.test(name))) {
  const room = longest(Object.keys(mayImport), file);
  const allowed = room === undefined ? undefined : mayImport[room];
  if (room === undefined || allowed === undefined) continue;
  const rules = [room, ...allowed];
  for (const imported of importsOf(file)) {
    const isType = imported.kind === 'type' && room === 'web';
    const rule = longest(rules, imported.file);
    if (!isType && (rule === undefined || rule.startsWith('!')))
      violations.push(`${file} may not import ${imported.file}`);
  }
}

for (const violation of violations) console.error(violation);
if (violations.length > 0) {
  console.error('docs/architecture.md says what is where; scripts/check-structure.ts has the rules.');
  process.exitCode = 1;
}

/** The files of this repository that one imports. */
function importsOf(file: string): readonly { readonly kind: 'type' | 'value'; readonly file: string }[] {
  const text = readFileSync(file, 'utf8');
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?[^;]*?from\s+'(\.[^']+)'/gm);
  const calls = text.matchAll(/\bimport\(()\s*'(\.[^']+)'/g);
  return [...statements, ...calls].map(([, type, path = '']) => ({
    kind: type === undefined || type === '' ? 'value' : 'type',
    file: normalize(join(dirname(file), path)),
  }));
}

/** Of names of files and folders, with a `!` before those that are left out, the longest that a file is or is in. */
function longest(names: readonly string[], file: string): string | undefined {
  const fitting = names.filter((name) => `${file}/`.startsWith(`${name.replace(/^!/, '')}/`));
  return fitting.sort((one, other) => other.replace(/^!/, '').length - one.replace(/^!/, '').length)[0];
}
