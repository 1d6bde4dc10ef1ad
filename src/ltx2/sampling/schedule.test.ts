import { expect, test } from 'vitest';
import type { Checkpoint } from '../../graph/weights/checkpoint.ts';
import { publishedSchedules, schedulesOf } from './schedule.ts';

function checkpoint(config: unknown): Checkpoint {
  return { path: 'bundle.safetensors', tensors: new Map(), config };
}

const ownFirst = [1, 0.909375, 0.725, 0.421875, 0];
const ownRefinement = [0.421875, 0];

test.for([
  ['no configuration', undefined],
  ['no scheduler section', { transformer: {} }],
  ['an empty scheduler section', { scheduler: null }],
  ['the section of the published bundle', { scheduler: { sampler: 'LinearQuadratic', num_train_timesteps: 1000 } }],
] as const)('%s: the published schedules', ([, config]) => {
  expect(schedulesOf(checkpoint(config))).toEqual(publishedSchedules);
});

test('a checkpoint that names its schedules is sampled by them, each by itself', () => {
  const scheduler = { stage_1_sigmas: ownFirst, stage_2_sigmas: ownRefinement };
  expect(schedulesOf(checkpoint({ scheduler }))).toEqual({ first: ownFirst, refinement: ownRefinement });
  expect(schedulesOf(checkpoint({ scheduler: { stage_2_sigmas: ownRefinement } }))).toEqual({
    first: publishedSchedules.first,
    refinement: ownRefinement,
  });
});

test.for([
  ['stage_1_sigmas', [0.9, 0.5, 0], 'the first noise level must be 1'],
  ['stage_1_sigmas', [1, 0.5, 0.5, 0], 'each noise level must be below the one before'],
  ['stage_2_sigmas', [0.5, 0.1], 'the last noise level must be 0'],
  ['stage_2_sigmas', [0], 'expected array to have >=2 items'],
  ['stage_2_sigmas', [1.5, 0], 'expected number to be <=1'],
  ['stage_2_sigmas', '0.4, 0', 'expected array'],
] as const)('%s that are no schedule are refused: %j', ([name, values, reason]) => {
  expect(() => schedulesOf(checkpoint({ scheduler: { [name]: values } }))).toThrow(
    new RegExp(`^bundle\\.safetensors has an unsupported configuration at scheduler\\.${name}.*${reason}`),
  );
});
