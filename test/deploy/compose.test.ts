import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { textOf } from './files.ts';

const names = z.record(z.string(), z.unknown());
const composeFile = z.object({
  services: z.record(
    z.string(),
    z.object({
      volumes: z.array(z.string()).optional(),
      configs: z.array(z.object({ source: z.string() })).optional(),
      depends_on: z.union([z.array(z.string()), names.transform(Object.keys)]).optional(),
    }),
  ),
  volumes: names,
  configs: names,
});

const text = await textOf('compose/compose.yaml');
const { services, volumes, configs } = composeFile.parse(parse(text, { merge: true }));

test('services name only what the file declares', () => {
  for (const service of Object.values(services)) {
    const mounted = (service.volumes ?? []).flatMap((volume) => /^(\w[\w-]*):/.exec(volume)?.[1] ?? []);
    for (const volume of mounted) expect(volumes).toHaveProperty(volume);
    for (const { source } of service.configs ?? []) expect(configs).toHaveProperty(source);
    for (const other of service.depends_on ?? []) expect(services).toHaveProperty(other);
  }
  for (const volume of Object.keys(volumes)) expect(JSON.stringify(services)).toContain(`"${volume}:`);
});

test('the configuration of the store is JSON', () => {
  const { content } = z.object({ content: z.string() }).parse(configs.s3);
  expect(JSON.parse(content)).toMatchObject({ identities: [{ name: 'soundstage' }] });
});

test('the example of the environment has every variable that must be set', async () => {
  const required = [...text.matchAll(/\$\{([A-Z0-9_]+):\?\}/g)].map(([, name]) => name);
  const given = [...(await textOf('compose/env.example')).matchAll(/^([A-Z0-9_]+)=/gm)].map(([, name]) => name);
  expect(new Set(required).size).toBe(3);
  for (const name of required) expect(given).toContain(name);
});

test('the file for GPUs changes a service that there is', async () => {
  const { services: changed } = z.object({ services: names }).parse(parse(await textOf('compose/compose.cuda.yaml')));
  for (const name of Object.keys(changed)) expect(services).toHaveProperty(name);
});
