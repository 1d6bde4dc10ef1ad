import { createFalClient } from '@fal-ai/client';
import { afterAll, expect, test } from 'vitest';
import { endpointId, recording, rewriteHost, smallClip } from '../support/endpoint.ts';
import { expectPlayable, type Output } from '../support/media/playable.ts';
import { pythonWith } from '../support/programs/python.ts';
import { patchedGlobals } from '../support/programs/python-recipes.ts';
import { startTestServer } from '../support/server.ts';
import { ControlledClipMaker } from './controlled-clip-maker.ts';

const server = await startTestServer({ maker: new ControlledClipMaker(200), settings: { SOUNDSTAGE_AUTH: 'keys' } });
afterAll(() => server[Symbol.asyncDispose]());
const python = await pythonWith('fal-client>=1,<2');
const key = await newKey();
const soundBlob = new Blob([await recording()], { type: 'audio/wav' });
const input = { ...smallClip, audio_url: soundBlob };

test('JS with a key: upload and subscribe; without one, nothing', async () => {
  const fal = clientWith(key);
  const { data, requestId } = await fal.subscribe(endpointId, { input, pollInterval: 50 });
  await expectPlayable(data as Output);
  await expect(clientWith('wrong:wrong').subscribe(endpointId, { input })).rejects.toMatchObject({ status: 401 });
  await expect(clientWith(undefined).run(endpointId, { input: smallClip as never })).rejects.toMatchObject({
    status: 401,
  });
  const stranger = clientWith(await newKey());
  await expect(stranger.queue.result(endpointId, { requestId })).rejects.toMatchObject({ status: 404 });
});

test('JS with a key by proxyUrl', async () => {
  const proxied = { credentials: key, proxyUrl: { url: `${server.url}/fal/proxy`, when: 'always' as const } };
  const { data } = await createFalClient(proxied).subscribe(endpointId, { input, pollInterval: 50 });
  await expectPlayable(data as Output);
});

test('JS stream from the client itself: with a temporary token instead of the key', async () => {
  const keys: (string | null)[] = [];
  const fal = clientWith(key, (url, init) => {
    if (url.includes('/stream')) {
      expect(url).toContain('fal_jwt_token=');
      keys.push(new Headers(init?.headers).get('authorization'));
    }
  });
  const audioUrl = await fal.storage.upload(soundBlob);
  const stream = await fal.stream(endpointId, {
    input: { ...smallClip, audio_url: audioUrl },
    connectionMode: 'client',
  });
  await expectPlayable((await stream.done()) as Output);
  expect(keys).toEqual([null]);
});

test.skipIf(python === undefined)(
  'Python with a key: upload_file, subscribe; without one, FalClientHTTPError',
  async () => {
    const program = `${patchedGlobals(server.url)}
import json, sys
ID = "${endpointId}"
url = fal_client.upload(b"RIFF", "audio/wav")
output = fal_client.subscribe(ID, arguments={**json.loads('''${JSON.stringify(smallClip)}'''), "audio_url": url})
try:
    fal_client.SyncClient(key="wrong:wrong").submit(ID, arguments={})
except fal_client.FalClientHTTPError as error:
    print(json.dumps({"output": output, "status": error.status_code}))
`;
    const { output, status } = JSON.parse((await python?.run(program, { FAL_KEY: key })) ?? '');
    expect(status).toBe(401);
    await expectPlayable(output);
  },
);

async function newKey(): Promise<string> {
  const { id, secret } = await server.keys.create({ name: 'test', scope: 'API' });
  return `${id}:${secret}`;
}

function clientWith(
  credentials: string | undefined,
  look: (url: string, init?: RequestInit) => void = () => {},
): ReturnType<typeof createFalClient> {
  return createFalClient({
    credentials: () => credentials,
    fetch: async (url, init) => {
      look(String(url), init);
      return fetch(rewriteHost(String(url), server.url), init);
    },
  });
}
