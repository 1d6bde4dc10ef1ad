// Renews THIRD-PARTY.md.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { thirdPartyText } from './third-party.ts';

await writeFile(join(import.meta.dirname, '../THIRD-PARTY.md'), await thirdPartyText());
