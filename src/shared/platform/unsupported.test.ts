import { expect, test } from 'vitest';
import { obstacleToRunning } from './unsupported.ts';

const good = { platform: 'linux', architecture: 'x64', nodeVersion: '24.1.0', isMusl: false };

test.for([
  {},
  { nodeVersion: '22.18.0' },
  { nodeVersion: '26.0.0' },
  { architecture: 'arm64' },
  { platform: 'win32' },
  { platform: 'darwin', architecture: 'arm64' },
])('%o is no obstacle', (difference) => {
  expect(obstacleToRunning({ ...good, ...difference })).toBeUndefined();
});

test.for([
  [{ nodeVersion: '22.17.9' }, 'needs Node 22.18 or newer, and this is 22.17.9'],
  [{ nodeVersion: '20.20.2' }, 'needs Node 22.18 or newer'],
  [{ isMusl: true }, 'Alpine or another Linux with musl'],
  [{ platform: 'darwin' }, 'Macs with Intel processors'],
  [{ platform: 'freebsd' }, 'freebsd x64'],
  [{ architecture: 'riscv64' }, 'linux riscv64'],
] as const)('%o is named, with what to do', ([difference, expected]) => {
  const obstacle = obstacleToRunning({ ...good, ...difference });
  expect(obstacle).toContain(expected);
  expect(obstacle).toMatch(/: (get|use) /);
});

test('the machine that runs the tests is none', () => {
  expect(obstacleToRunning()).toBeUndefined();
});
