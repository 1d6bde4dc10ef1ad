// Renews src/library/clip-input.ts after a change to the input of the endpoint.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clipInputText } from './clip-input.ts';

const root = join(import.meta.dirname, '..');
const path = join(root, 'src/library/clip-input.ts');
writeFileSync(path, clipInputText());
execFileSync(process.execPath, [join(root, 'node_modules/@biomejs/biome/bin/biome'), 'format', '--write', path], {
  cwd: root,
});
