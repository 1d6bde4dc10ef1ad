import { expect, test } from 'vitest';
import type { Gpu } from '../cuda/gpus.ts';
import type { DeviceKind } from '../graph/graph-target.ts';
import { readConfiguration } from '../shared/configuration.ts';
import { enginePlaces } from './engine-places.ts';

const cards: readonly Gpu[] = [
  { index: 0, name: 'NVIDIA H100', uuid: 'GPU-a', computeCapability: '9.0' },
  { index: 1, name: 'NVIDIA B200', uuid: 'GPU-b', computeCapability: '10.0' },
  { index: 2, name: 'NVIDIA L4', uuid: 'GPU-c', computeCapability: '8.9' },
];
const [first, , third] = [
  { device: 'cuda', gpu: 'GPU-a', title: 'GPU 0, NVIDIA H100' },
  undefined,
  { device: 'cuda', gpu: 'GPU-c', title: 'GPU 2, NVIDIA L4' },
];

interface Case {
  readonly settings?: Readonly<Record<string, string>>;
  readonly gpus?: readonly Gpu[];
  readonly environment?: NodeJS.ProcessEnv;
  readonly works?: DeviceKind;
}

function placesOf({ settings = {}, gpus = cards, environment = {}, works = 'cuda' }: Case, warnings: string[] = []) {
  return enginePlaces(readConfiguration(settings), {
    environment,
    list: async () => gpus,
    choose: async () => ({ device: works, notes: [], memory: undefined }),
    onWarning: (message) => warnings.push(message),
  });
}

test('every GPU that there is code for gets an engine', async () => {
  const warnings: string[] = [];
  expect(await placesOf({ settings: { SOUNDSTAGE_DEVICE: 'cuda' } }, warnings)).toEqual([first, third]);
  expect(warnings).toEqual(['GPU 1 (NVIDIA B200) is left out: there is no code for its compute capability 10.0']);
  expect(await placesOf({})).toEqual([first, third]);
});

test('GPUs may be chosen, by number or by what CUDA is to see', async () => {
  expect(await placesOf({ settings: { SOUNDSTAGE_GPUS: '2, 0,2' } })).toEqual([third, first]);
  expect(await placesOf({ environment: { CUDA_VISIBLE_DEVICES: '3,GPU-x' } })).toEqual([
    { device: 'cuda', gpu: '3', title: 'GPU 3' },
    { device: 'cuda', gpu: 'GPU-x', title: 'GPU GPU-x' },
  ]);
});

test.for<[string, Case, string]>([
  ['the CPU', { settings: { SOUNDSTAGE_DEVICE: 'cpu' } }, 'cpu'],
  ['a single GPU', { gpus: cards.slice(0, 1) }, 'auto'],
  ['no GPU', { settings: { SOUNDSTAGE_DEVICE: 'cuda' }, gpus: [] }, 'cuda'],
  ['GPUs that do not work', { works: 'cpu' }, 'auto'],
  ['the only one that CUDA is to see', { environment: { CUDA_VISIBLE_DEVICES: '1' } }, 'auto'],
])('there is one engine for %s', async ([, given, device]) => {
  expect(await placesOf(given)).toEqual([{ device }]);
});

test.for<[string, Case, RegExp]>([
  ['a GPU that is not there', { settings: { SOUNDSTAGE_GPUS: '0,7' } }, /there is no GPU 7; the driver lists 0, 1, 2$/],
  ['a GPU for the CPU', { settings: { SOUNDSTAGE_GPUS: '0', SOUNDSTAGE_DEVICE: 'cpu' } }, /but the device is cpu/],
  ['what is no number', { settings: { SOUNDSTAGE_GPUS: 'first' } }, /list numbers of GPUs/],
])('%s is refused', async ([, given, message]) => {
  await expect((async () => placesOf(given))()).rejects.toMatchObject({
    kind: 'input',
    field: 'SOUNDSTAGE_GPUS',
    message: expect.stringMatching(message),
  });
});
