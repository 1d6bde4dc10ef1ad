import { afterAll, expect, test } from 'vitest';
import { endpointId, smallClip } from '../support/endpoint.ts';
import { expectPlayable, type Output } from '../support/media/playable.ts';
import { writeToneWav } from '../support/media/sound-files.ts';
import { pythonWith } from '../support/programs/python.ts';
import { hostVariables, patchedGlobals, proxyVariables, runHostVariables } from '../support/programs/python-recipes.ts';
import { startTestServer } from '../support/server.ts';
import { startFaultFront } from './fault-front.ts';

// Where they are not installed yet, that is mostly waiting for the registry.
const installing = Promise.all([pythonWith('fal-client>=1,<2'), pythonWith('fal-client==0.5.0')]);
const server = await startTestServer({ maker: 'pipeline' });
afterAll(() => server[Symbol.asyncDispose]());
/** The second one uploads to fal.media, and makes the queue's host of FAL_RUN_HOST. */
const [python, oldPython] = await installing;
const port = Number(new URL(server.url).port);
const soundPath = `${server.dataFolder}/sound.wav`;
await writeToneWav(soundPath, 0.5);

/** Values the programs start with. */
const prelude = `
import json, sys
ID = "${endpointId}"
ARGUMENTS = json.loads('''${JSON.stringify(smallClip)}''')
LONG = {**ARGUMENTS, "num_frames": 481, "video_size": {"width": 512, "height": 512}}
SOUND = "${soundPath}"
`;

test.skipIf(python === undefined)(
  '22 Python by host variables and own TLS: submit, subscribe, run, status',
  async () => {
    const printed = await run(
      `${prelude}
import fal_client
arguments = {**ARGUMENTS, "audio_url": fal_client.encode_file(SOUND)}
logs = []
def on_queue_update(update):
    if isinstance(update, fal_client.InProgress):
        logs.extend(log["message"] for log in update.logs)
subscribed = fal_client.subscribe(ID, arguments=arguments, with_logs=True, on_queue_update=on_queue_update)
handle = fal_client.submit(ID, arguments=arguments)
first = fal_client.status(ID, handle.request_id, with_logs=True)
submitted = handle.get()
last = handle.status(with_logs=True)
again = fal_client.result(ID, handle.request_id)
direct = fal_client.run(ID, arguments=arguments)
print(json.dumps({"outputs": [subscribed, submitted, direct], "logs": logs, "same": again == submitted,
  "statuses": [type(first).__name__, type(last).__name__], "final_logs": len(last.logs), "metrics": last.metrics}))
`,
      hostVariables(port, server.authorityPath),
    );
    expect(printed).toMatchObject({ same: true, metrics: { inference_time: expect.any(Number) } });
    expect(['Queued', 'InProgress']).toContain(printed.statuses[0]);
    expect(printed.statuses[1]).toBe('Completed');
    expect(printed.final_logs).toBeGreaterThan(3);
    expect(printed.logs.join('\n')).toMatch(/denoising/);
    expect(printed.outputs).toHaveLength(3);
    // Played through plain http, which leads to the same server.
    for (const output of printed.outputs) await expectPlayable(overHttp(output));
  },
);

test.skipIf(python === undefined)('23 Python by proxy variables: upload_file, then subscribe', async () => {
  const printed = await run(
    `${prelude}
import fal_client
url = fal_client.upload_file(SOUND)
output = fal_client.subscribe(ID, arguments={**ARGUMENTS, "audio_url": url})
import httpx
video = httpx.get(output["video"]["url"])
again = fal_client.upload(open(SOUND, "rb").read(), "audio/wav", repository="fal")
same = httpx.get(again).content == httpx.get(url).content == open(SOUND, "rb").read()
print(json.dumps({"url": url, "outputs": [output], "status": video.status_code, "bytes": len(video.content), "same": same}))
`,
    proxyVariables(port, server.authorityPath),
  );
  expect(printed.url).toMatch(/^https:\/\/v3b?\.fal\.media\/files\//);
  const [output] = printed.outputs;
  expect(printed).toMatchObject({ status: 200, bytes: output?.video.file_size, same: true });
  if (output !== undefined) await expectPlayable(overHttp(output));
});

test.skipIf(python === undefined)(
  '24 Python with patched addresses over plain http: upload_file, then subscribe',
  async () => {
    const printed = await run(`${prelude}${patchedGlobals(server.url)}
url = fal_client.upload_file(SOUND)
print(json.dumps({"outputs": [fal_client.subscribe(ID, arguments={**ARGUMENTS, "audio_url": url})]}))
`);
    for (const output of printed.outputs) await expectPlayable(output);
  },
);

test.skipIf(oldPython === undefined)(
  'Python 0.5 by proxy variables: upload_file to fal.media, then subscribe',
  async () => {
    const program = `${prelude}
import fal_client
url = fal_client.upload_file(SOUND)
print(json.dumps({"url": url, "outputs": [fal_client.subscribe(ID, arguments={**ARGUMENTS, "audio_url": url})]}))
`;
    const printed: Printed = JSON.parse(
      (await oldPython?.run(program, proxyVariables(port, server.authorityPath))) ?? '',
    );
    for (const output of printed.outputs) await expectPlayable(overHttp(output));
  },
);

test.skipIf(oldPython === undefined).each([
  ['with its path', '/run', {}],
  ['with its path, its name looked up by the server', '/run', { HTTPS_PROXY: server.url }],
])('Python 0.5 makes queue.<host> of FAL_RUN_HOST: %s', async (_, path, environment) => {
  // Not every system knows that all names below localhost are this machine.
  const program = `${prelude}
import os, socket
look_up = socket.getaddrinfo
if "HTTPS_PROXY" not in os.environ:
    socket.getaddrinfo = lambda host, *rest, **named: look_up("127.0.0.1" if host == "queue.localhost" else host, *rest, **named)
import fal_client
sound = fal_client.encode_file(SOUND)
handle = fal_client.submit(ID, arguments={**ARGUMENTS, "audio_url": sound})
print(json.dumps({"url": handle.status_url, "outputs": [handle.get()]}))
`;
  const variables = { ...runHostVariables(port, server.authorityPath, path), ...environment };
  const printed: Printed = JSON.parse((await oldPython?.run(program, variables)) ?? '');
  expect(printed.url).toMatch(`https://queue.localhost:${port}/fal-ai/ltx-2-19b/requests/`);
  for (const output of printed.outputs) await expectPlayable(overHttp(output));
});

test.skipIf(python === undefined)('Python run_async, upload_file_async, subscribe_async', async () => {
  const printed = await run(`${prelude}${patchedGlobals(server.url)}
import asyncio
async def main():
    url = await fal_client.upload_file_async(SOUND)
    arguments = {**ARGUMENTS, "audio_url": url}
    return [await fal_client.run_async(ID, arguments=arguments), await fal_client.subscribe_async(ID, arguments=arguments)]
print(json.dumps({"outputs": asyncio.run(main())}))
`);
  expect(printed.outputs).toHaveLength(2);
  for (const output of printed.outputs) await expectPlayable(output);
});

test.skipIf(python === undefined)('Python cancel: a running clip ends early, and its result says so', async () => {
  const printed = await run(`${prelude}${patchedGlobals(server.url)}
import time
handle = fal_client.submit(ID, arguments={**LONG, "audio_url": fal_client.encode_file(SOUND)})
while not isinstance(handle.status(), fal_client.InProgress):
    time.sleep(0.05)
handle.cancel()
try:
    handle.get()
except fal_client.FalClientHTTPError as error:
    status = handle.status()
    print(json.dumps({"outputs": [], "status": error.status_code, "type": error.error_type, "error": status.error}))
`);
  expect(printed).toMatchObject({ status: 499, type: 'client_cancelled', error: expect.any(String) });
});

test.skipIf(python === undefined)('101 Python client_timeout: one cancel', async () => {
  await using front = await startFaultFront(server.url, () => undefined);
  const printed = await run(`${prelude}${patchedGlobals(front.url)}
try:
    fal_client.subscribe(ID, arguments={**LONG, "audio_url": fal_client.encode_file(SOUND)}, client_timeout=1.5)
except fal_client.FalClientTimeoutError as error:
    handle = fal_client.SyncClient().get_handle(ID, error.request_id)
    for status in handle.iter_events():
        pass
    print(json.dumps({"outputs": [], "error": status.error}))
`);
  expect(printed).toMatchObject({ error: expect.any(String) });
  expect(front.calls.filter((call) => call.startsWith('PUT') && call.endsWith('/cancel'))).toHaveLength(1);
});

test.skipIf(python === undefined)('Python errors: status, fields and type of a refused input', async () => {
  const printed = await run(`${prelude}${patchedGlobals(server.url)}
failures = []
for call in (fal_client.run, fal_client.subscribe):
    try:
        call(ID, arguments={**ARGUMENTS, "audio_url": "https://127.0.0.1:1/none.wav", "num_frames": 8})
    except fal_client.FalClientHTTPError as error:
        failures.append([error.status_code, error.response.json()["detail"][0]["loc"]])
print(json.dumps({"outputs": [], "failures": failures}))
`);
  expect(printed.failures).toEqual(Array.from({ length: 2 }, () => [422, ['body', 'num_frames']]));
});

interface Printed {
  readonly outputs: readonly Output[];
  readonly statuses: readonly string[];
  readonly logs: readonly string[];
  readonly final_logs: number;
  readonly failures: unknown;
  readonly url: string;
}

async function run(
  program: string,
  environment: Readonly<Record<string, string>> = { FAL_KEY: 'local:local' },
): Promise<Printed> {
  return JSON.parse((await python?.run(program, environment)) ?? '');
}

/** The same file under an address this process can use without certificates. */
function overHttp(output: Output): Output {
  const { pathname } = new URL(output.video.url);
  const path = pathname.startsWith('/cdn') ? pathname : `/cdn${pathname}`;
  return { ...output, video: { ...output.video, url: `${server.url}${path}` } };
}
