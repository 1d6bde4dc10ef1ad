import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const program = `
  const { Graph } = await import('./src/graph/graph.ts');
  const { graphTargets } = await import('./src/graph/graph-target.ts');
  const { multiply } = await import('./src/graph/operations/arithmetic.ts');
  const { Session } = await import('./src/graph/runtime/session.ts');
  const { floatTensor } = await import('./src/graph/runtime/host-tensor.ts');
  const g = new Graph(graphTargets.cpu);
  const x = g.input('x', 'float32', [1]);
  g.output('y', multiply(x, x));
  await using session = await Session.open(g.build());
  const { y } = await session.run({ x: floatTensor(Float32Array.of(3), [1]) });
  console.log(process.pid, y.data[0]);
`;

test('the tensor runtime records nothing for its maker', async () => {
  const home = await mkdtemp(join(tmpdir(), 'soundstage-home-'));
  try {
    const { PATH } = process.env;
    const child = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: join(import.meta.dirname, '../../..'),
      env: { PATH, HOME: home },
      encoding: 'utf8',
    });
    const [, pid = '', result] = /^(\d+) (\d+)$/m.exec(child.stdout) ?? [];
    expect(result, child.stderr).toBe('9');
    expect(await readdir(home, { recursive: true })).toEqual([]);
    expect(existsSync(`/tmp/mat-debug-${pid}.log`)).toBe(false);
  } finally {
    await rm(home, { recursive: true });
  }
});
