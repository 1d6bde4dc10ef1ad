import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configurationSchema } from '../../src/shared/configuration.ts';
import { deploy, filesIn, textOf } from './files.ts';

const files = await filesIn('.');

test.each(files)('every setting in %s is one of the program', async (path) => {
  const named = (await textOf(path)).match(/\bSOUNDSTAGE_[A-Z0-9_]+/g) ?? [];
  expect(named.filter((name) => !(name in configurationSchema.shape))).toEqual([]);
});

test('the settings are somewhere in there', async () => {
  const all = (await Promise.all(files.map(textOf))).join('\n');
  expect(all).toContain('SOUNDSTAGE_S3_BUCKET');
  expect(all).toContain('DATABASE_URL');
});

test('what goes into the images exists and is not left out of the build', async () => {
  const copies = [...(await textOf('Containerfile')).matchAll(/^COPY (?!--from)(.+)$/gm)];
  const sources = copies.flatMap(([, words = '']) => words.split(' ').slice(0, -1));
  expect(sources).toContain('src');
  const kept = (await textOf('Containerfile.dockerignore')).split('\n');
  for (const source of sources) {
    expect(existsSync(join(deploy, '..', source)), source).toBe(true);
    expect(kept).toContain(`!${source}`);
  }
});

test('both images are checked for health and run without root', async () => {
  const stages = (await textOf('Containerfile')).split(/^FROM /m).filter((stage) => stage.includes('ENTRYPOINT'));
  expect(stages).toHaveLength(2);
  for (const stage of stages) {
    expect(stage).toMatch(/^USER 1000:1000$/m);
    expect(stage).toMatch(/^HEALTHCHECK .*\\\n {2}CMD \[.*\/health/m);
  }
});
