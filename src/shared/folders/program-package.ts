import { readFileSync } from 'node:fs';

const manifest: unknown = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));

/** Of the program that runs, e.g. `0.1.0`. */
export const version = versionIn(manifest);

function versionIn(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'version' in value) return String(value.version);
  throw new Error('package.json has no version');
}
