import { expect, test } from 'vitest';
import type { DeviceReport } from '../graph/runtime/device-probe.ts';
import { chooseDevice, chosenAgain } from './choose-device.ts';

const works: DeviceReport = { device: 'cuda', usable: true };
const lacks: DeviceReport = { device: 'cuda', usable: false, reason: 'there is no NVIDIA driver: install one' };
const choose = (wanted: 'auto' | 'cuda' | 'cpu', report: DeviceReport) =>
  chooseDevice(wanted, { probe: () => Promise.resolve(report), gpuMemory: 1 });

test('auto takes a GPU that works, and goes on with the CPU where it does not, saying why', async () => {
  expect(await choose('auto', works)).toEqual({ device: 'cuda', notes: [], memory: 2 ** 30 });
  const notes = ['cuda is not used: there is no NVIDIA driver: install one'];
  expect(await choose('auto', lacks)).toEqual({ device: 'cpu', notes, memory: expect.any(Number) });
});

test('a device that is asked for by name is used or refused', async () => {
  expect(await choose('cpu', lacks)).toEqual({ device: 'cpu', notes: [], memory: expect.any(Number) });
  await expect(choose('cuda', lacks)).rejects.toMatchObject({
    kind: 'device',
    message: 'cuda cannot be used here: there is no NVIDIA driver: install one; try --device cpu',
  });
});

test('what is not as it could be is said', async () => {
  const note = 'attention is computed by the runtime itself';
  for (const wanted of ['auto', 'cuda'] as const) {
    expect(await choose(wanted, { ...works, note })).toMatchObject({ device: 'cuda', notes: [`cuda: ${note}`] });
  }
});

test('a GPU that is looked at again while its engine holds the model has the memory that it had', () => {
  const [first, later] = [79e9, 20e9].map((memory) => ({ device: 'cuda' as const, memory, notes: [] }));
  const cpu = { device: 'cpu' as const, memory: 24e9, notes: [] };
  if (first === undefined || later === undefined) throw new Error('unreachable');
  expect(chosenAgain(later, first)).toEqual(first);
  expect(chosenAgain(first, cpu)).toEqual(first);
  expect(chosenAgain(first, undefined)).toEqual(first);
});

test('eight bits are refused where clips would be made on a GPU, and taken on the CPU', async () => {
  const probe = () => Promise.resolve(works);
  const chosen = chooseDevice('auto', { precision: 'int8', probe });
  await expect(chosen).rejects.toMatchObject({ kind: 'device', field: 'precision' });
  await expect(chosen).rejects.toThrow('leave it out, or choose the device cpu');
  expect(await chooseDevice('cpu', { precision: 'int8', probe })).toMatchObject({ device: 'cpu', precision: 'int8' });
});
