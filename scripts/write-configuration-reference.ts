// Renews the table of settings in docs/configuration.md.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withSettings } from './configuration-reference.ts';

const path = join(import.meta.dirname, '../docs/configuration.md');
await writeFile(path, withSettings(await readFile(path, 'utf8')));
