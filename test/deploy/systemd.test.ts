import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isInstalled } from '../support/programs/installed.ts';
import { textOf } from './files.ts';

const units = ['soundstage.service', 'soundstage-worker.service'] as const;

test.skipIf(!isInstalled('systemd-analyze'))('systemd takes the units as they are', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-units-'));
  try {
    for (const unit of units) {
      const text = await textOf(join('systemd', unit));
      // It looks for the program, which is not installed there.
      await writeFile(join(folder, unit), text.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
    }
    const { stderr, status } = spawnSync('systemd-analyze', ['verify', ...units.map((unit) => join(folder, unit))], {
      encoding: 'utf8',
    });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the units differ in what they run only', async () => {
  const [server, worker] = await Promise.all(units.map((unit) => textOf(join('systemd', unit))));
  const lines = new Set(server?.split('\n'));
  const others = worker?.split('\n').filter((line) => !lines.has(line)) ?? [];
  expect(others.map((line) => line.split('=')[0])).toEqual(['Description', 'ExecStart', expect.stringMatching(/^#/)]);
  expect(others[1]).toMatch(/ worker$/);
});
