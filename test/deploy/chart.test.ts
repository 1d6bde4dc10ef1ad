import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { configurationSchema } from '../../src/shared/configuration.ts';
import { blocksOf } from '../docs/blocks.ts';
import { readDocuments } from '../docs/documents.ts';
import { isInstalled } from '../support/programs/installed.ts';
import { deploy } from './files.ts';

const chart = join(deploy, 'helm/soundstage');
const folder = await mkdtemp(join(tmpdir(), 'soundstage-chart-'));
afterAll(() => rm(folder, { recursive: true }));

const labels = z.record(z.string(), z.string());
const container = z.object({
  image: z.string(),
  args: z.array(z.string()),
  env: z.array(z.object({ name: z.string(), value: z.string() })),
  resources: z.object({ limits: z.record(z.string(), z.unknown()).nullish() }).optional(),
  volumeMounts: z.array(z.object({ name: z.string() })),
});
const pod = z.object({
  metadata: z.object({ labels }),
  spec: z.object({
    securityContext: z.object({ runAsNonRoot: z.literal(true) }),
    containers: z.tuple([container]),
    volumes: z.array(z.object({ name: z.string() })),
  }),
});
const resource = z.object({
  kind: z.string(),
  metadata: z.object({ name: z.string() }),
  spec: z
    .object({ selector: z.union([z.object({ matchLabels: labels }), labels]).optional(), template: pod.optional() })
    .optional(),
});
type Resource = z.infer<typeof resource>;

describe.skipIf(!isInstalled('helm', 'version'))('the chart', () => {
  test('is what Helm takes for a chart', async () => {
    const { status, stdout } = helm('lint', chart, ...(await values({ existingSecret: 'given' })));
    expect({ status, stdout }).toMatchObject({ status: 0 });
  });

  test('asks for a database where none is named', async () => {
    expect(helm('template', 'clips', chart, '--kube-version', '1.31.0').stderr).toContain('secret.databaseUrl');
  });

  test('runs workers of the miniature without GPU and weights', async () => {
    const resources = await render({ existingSecret: 'given', worker: { gpus: 0 } });
    expect(kinds(resources)).toEqual(['Deployment', 'Deployment', 'Service']);
    const worker = containerOf(resources, 'worker');
    expect(worker).toMatchObject({ image: 'soundstage:cpu', args: ['worker'] });
    expect(worker.env).toContainEqual({ name: 'SOUNDSTAGE_DEVICE', value: 'cpu' });
    expectSound(resources);
  });

  test('runs workers of the 19B model on GPUs, and fetches its weights', async () => {
    const secret = { databaseUrl: 'postgres://soundstage@db/soundstage', huggingFaceToken: 'hf_x' };
    const resources = await render({ secret, model: 'ltx-2-19b-distilled', ingress: { enabled: true } });
    expect(kinds(resources)).toEqual([
      'Deployment',
      'Deployment',
      'Ingress',
      'Job',
      'PersistentVolumeClaim',
      'Secret',
      'Service',
    ]);
    const worker = containerOf(resources, 'worker');
    expect(worker).toMatchObject({ image: 'soundstage:cuda', resources: { limits: { 'nvidia.com/gpu': 1 } } });
    expect(containerOf(resources, 'fetch-1').args).toEqual([
      'models',
      'fetch',
      'ltx-2-19b-distilled',
      '--camera-loras',
    ]);
    expectSound(resources);
  });

  test('renders with the values printed in the documentation', async () => {
    const production = (await readDocuments()).find(({ name }) => name === 'docs/production.md');
    const blocks = production === undefined ? [] : blocksOf(production);
    const printed = blocks.find(({ text }) => text.startsWith('# my-values.yaml'));
    await writeFile(join(folder, 'printed.yaml'), printed?.text ?? '');
    const resources = rendered('-f', join(folder, 'printed.yaml'));
    expect(containerOf(resources, 'server').env).toEqual(
      expect.arrayContaining([
        { name: 'SOUNDSTAGE_PUBLIC_URL', value: 'https://video.example.com' },
        { name: 'SOUNDSTAGE_FILE_RETENTION', value: '604800' },
      ]),
    );
    expectSound(resources);
  });

  test('refuses values that make no sense', async () => {
    const wrong = await values({ existingSecret: 'given', worker: { gpus: -1 } });
    expect(helm('template', 'clips', chart, ...wrong)).toMatchObject({ status: 1 });
  });
});

function helm(...parameters: readonly string[]) {
  return spawnSync('helm', parameters, { encoding: 'utf8' });
}

async function values(given: object): Promise<readonly string[]> {
  const path = join(folder, 'values.json');
  await writeFile(path, JSON.stringify(given));
  return ['-f', path];
}

async function render(given: object): Promise<readonly Resource[]> {
  return rendered(...(await values(given)));
}

function rendered(...flags: readonly string[]): readonly Resource[] {
  const { status, stdout, stderr } = helm('template', 'clips', chart, '--kube-version', '1.31.0', ...flags);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return parseAllDocuments(stdout).map((document) => resource.parse(document.toJS()));
}

function kinds(resources: readonly Resource[]): readonly string[] {
  return resources.map(({ kind }) => kind).sort();
}

function containerOf(resources: readonly Resource[], part: string): z.infer<typeof container> {
  const found = resources.find(({ metadata, spec }) => metadata.name.endsWith(`-${part}`) && spec?.template);
  const [first] = found?.spec?.template?.spec.containers ?? [];
  if (first === undefined) throw new Error(`nothing runs ${part}`);
  return first;
}

/** What must hold for every rendering. */
function expectSound(resources: readonly Resource[]): void {
  const pods = resources.flatMap(({ spec }) => spec?.template ?? []);
  for (const { spec } of resources) {
    const { selector, template } = spec ?? {};
    if (selector === undefined) continue;
    const wanted = 'matchLabels' in selector ? selector.matchLabels : selector;
    const chosen = template === undefined ? pods : [template];
    expect(chosen.some((candidate) => matches(candidate.metadata.labels, wanted as z.infer<typeof labels>))).toBe(true);
  }
  for (const { spec } of pods) {
    const [{ env, volumeMounts }] = spec.containers;
    const volumes = spec.volumes.map(({ name }) => name);
    for (const { name } of volumeMounts) expect(volumes).toContain(name);
    const settings = env.map(({ name }) => name).filter((name) => name.startsWith('SOUNDSTAGE_'));
    expect(settings.filter((name) => !(name in configurationSchema.shape))).toEqual([]);
    expect(new Set(settings).size).toBe(settings.length);
  }
}

function matches(given: z.infer<typeof labels>, wanted: z.infer<typeof labels>): boolean {
  return Object.entries(wanted).every(([name, value]) => given[name] === value);
}
