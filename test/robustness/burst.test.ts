import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Spawned } from '../support/spawned.ts';
import { app, endpointId, input } from './endpoint.ts';
import { eventually } from './eventually.ts';
import { expectSound } from './installation.ts';
import { LoadAgent } from './load-agent.ts';

const SUBMISSIONS = 10_000;
const CONNECTIONS = 200;

let dataFolder: string;
beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'soundstage-burst-'));
});
afterAll(() => rm(dataFolder, { recursive: true, force: true }));

test('10,000 submissions in a burst: all are accepted, all are found, all are made', async () => {
  const environment = { SOUNDSTAGE_DATA: dataFolder, SOUNDSTAGE_PORT: '0' };
  await using server = new Spawned({ program: 'server', environment });
  const url = await server.ready();
  using agent = new LoadAgent(CONNECTIONS);
  const body = JSON.stringify(input);
  const began = performance.now();
  const replies = await Promise.all(
    Array.from({ length: SUBMISSIONS }, () => agent.ask(`${url}/queue/${endpointId}`, 'POST', body)),
  );
  const accepted = seconds(began);
  expect(replies.filter(({ status }) => status !== 200)).toEqual([]);
  const ids = replies.map((reply) => (JSON.parse(reply.body) as { request_id: string }).request_id);
  expect(new Set(ids).size).toBe(SUBMISSIONS);

  let left = new Set(ids);
  await eventually(
    300_000,
    async () => {
      const status = async (id: string) => ({ id, ...(await agent.ask(`${url}/queue/${app}/requests/${id}/status`)) });
      // Only some of those that still wait, so that asking does not keep them waiting.
      const asked = await Promise.all([...left].slice(0, CONNECTIONS).map(status));
      for (const { status, body } of asked) {
        expect([200, 202]).toContain(status);
        expect(JSON.parse(body)).toMatchObject({ status: expect.stringMatching(/^(?:IN_|COMPLETED)/) });
      }
      left = left.difference(new Set(asked.filter(({ status }) => status === 200).map(({ id }) => id)));
      return left.size === 0;
    },
    () => left.size,
  );
  const { most } = await server.memory();
  process.stdout.write(
    `${SUBMISSIONS} submissions accepted in ${accepted.toFixed(1)} s, made after ${seconds(began).toFixed(1)} s; at most ${(most / 1e6).toFixed(0)} MB\n`,
  );
  expect(most).toBeLessThan(1.5e9);
  expect((await agent.ask(`${url}/health`)).status).toBe(200);
  expect(server.errors).toBe('');
  await server[Symbol.asyncDispose]();
  await expectSound({ dataFolder }, ids);
}, 900_000);

function seconds(since: number): number {
  return (performance.now() - since) / 1000;
}
