import { expect, test } from 'vitest';
import { formatBytes, formatSeconds } from '../../shared/quantities.ts';
import { ProgressReport } from './progress-report.ts';
import { Transfer } from './transfer.ts';

function recorder(output: { isTTY?: boolean; columns?: number } = {}) {
  let time = 0;
  const texts: string[] = [];
  const report = new ProgressReport({ ...output, write: (text) => texts.push(text) }, () => time);
  return { report, texts, wait: (milliseconds: number) => (time += milliseconds) };
}

test('without a terminal: a line now and then, and one for every file', () => {
  const { report, texts, wait } = recorder();
  const transfer = new Transfer((progress) => report.update(progress));
  const row = transfer.add('big.safetensors', 100e6, 20e6);
  row.update('downloading');
  for (let bytes = 20e6; bytes < 60e6; bytes += 2e6) {
    wait(1000);
    row.update('downloading', bytes);
  }
  expect(texts).toEqual([
    '38.0 MB of 100 MB (38%), 1.8 MB/s, 35 s left\n',
    '58.0 MB of 100 MB (58%), 2.0 MB/s, 21 s left\n',
  ]);
  row.update('done', 100e6);
  report.finish();
  expect(texts.at(-1)).toBe('big.safetensors: 100 MB done\n');
});

test('on a terminal: bars that fit its width and leave nothing behind', () => {
  const { report, texts, wait } = recorder({ isTTY: true, columns: 70 });
  const transfer = new Transfer((progress) => report.update(progress));
  const first = transfer.add('ltx-2-19b-distilled-with-a-long-name.safetensors', 43.3e9);
  transfer.add('queued.safetensors', 1e9);
  first.update('downloading', 0);
  wait(1000);
  first.update('downloading', 21.7e9);
  const lines = (texts.at(-1) ?? '').split('\n');
  expect(lines[0]).toMatch(/^.\[2A.\[Jltx-2.*\.\.\. \[#+-+\] {2}50% 21\.7 GB of 43\.3 GB$/);
  expect((lines[0]?.length ?? 0) - '\x1b[2A\x1b[J'.length).toBeLessThan(70);
  expect(lines[1]).toContain('21.7 GB of 44.3 GB (48%), 21.7 GB/s');
  report.finish();
  expect(texts.at(-1)).toBe('\x1b[2A\x1b[J');
});

test('quantities', () => {
  expect([0, 999, 1000, 995.7e6, 43.3e9, 2e15].map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '996 MB',
    '43.3 GB',
    '2000 TB',
  ]);
  expect([0.2, 59, 61, 3600, 11_100].map(formatSeconds)).toEqual(['1 s', '59 s', '2 min', '1 h 00 min', '3 h 05 min']);
});
