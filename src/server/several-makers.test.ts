import { expect, test } from 'vitest';
import { startTestServer } from '../../test/support/server.ts';
import { submission, TestClipMaker } from '../jobs/jobs.test-support.ts';
import { SoundstageError } from '../shared/errors.ts';

test('several makers have one queue, and make clips at the same time', async () => {
  const makers = [new TestClipMaker(), new TestClipMaker()];
  const all = Promise.withResolvers<void>();
  for (const maker of makers) {
    maker.behavior = async () => {
      if (makers.every(({ started }) => started.length > 0)) all.resolve();
      await all.promise;
    };
  }
  await using server = await startTestServer({ makers });
  const ids: string[] = [];
  for (let i = 0; i < 2; i++) ids.push((await server.requests.submit(submission())).id);
  await expect.poll(() => statesOf(server, ids), { timeout: 15_000 }).toEqual(ids.map(() => 'COMPLETED'));
  expect(makers.flatMap(({ started }) => started).toSorted()).toEqual(ids.toSorted());
});

test('a server is ready as long as one of its makers can work', async () => {
  const lost = new SoundstageError('device', 'the GPU failed');
  const [broken, other] = [new TestClipMaker(), new TestClipMaker()];
  let isLost = false;
  for (const maker of [broken, other]) {
    maker.behavior = maker.probe = async () => {
      if (maker === broken || isLost) throw lost;
    };
  }
  await using server = await startTestServer({ makers: [broken, other], logLevel: 'error' });
  const ready = async (): Promise<number> => (await fetch(`${server.url}/ready`)).status;
  const isOut = (title: string): boolean =>
    server.logged.some(({ message }) => message === `${title} can make no clips at the moment`);
  while (!isOut('maker 0')) await completed(server);
  expect(await ready()).toBe(200);
  isLost = true;
  await server.requests.submit(submission());
  await expect.poll(() => isOut('maker 1'), { timeout: 10_000 }).toBe(true);
  expect(await ready()).toBe(503);
});

type Server = Awaited<ReturnType<typeof startTestServer>>;

async function statesOf({ requests }: Server, ids: readonly string[]): Promise<readonly unknown[]> {
  return await Promise.all(ids.map(async (id) => (await requests.status(id))?.state));
}

async function completed(server: Server): Promise<void> {
  const { id } = await server.requests.submit(submission());
  await expect.poll(() => statesOf(server, [id]), { timeout: 10_000 }).toEqual(['COMPLETED']);
}
