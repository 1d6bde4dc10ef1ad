import { afterAll, expect, test } from 'vitest';
import { endpointId, recording, smallClip } from '../support/endpoint.ts';
import { expectPlayable } from '../support/media/playable.ts';
import { pythonWith } from '../support/programs/python.ts';
import { hostVariables } from '../support/programs/python-recipes.ts';
import { startTestServer } from '../support/server.ts';

const python = await pythonWith('fal>=1,<2');
const server = await startTestServer({ maker: 'pipeline' });
afterAll(() => server[Symbol.asyncDispose]());

test.skipIf(python === undefined)('27 the `fal` package: apps.submit(…).get()', async () => {
  const sound = `data:audio/wav;base64,${(await recording()).toString('base64')}`;
  const program = `
import json, sys
from fal import apps
handle = apps.submit("${endpointId}", json.loads('''${JSON.stringify({ ...smallClip, audio_url: sound })}'''))
events = [type(event).__name__ for event in handle.iter_events(logs=True)]
print(json.dumps({"output": handle.get(), "events": events}))
`;
  const environment = hostVariables(Number(new URL(server.url).port), server.authorityPath);
  const { output, events } = JSON.parse((await python?.run(program, environment)) ?? '');
  expect(events).toContain('InProgress');
  const { pathname } = new URL(output.video.url);
  await expectPlayable({ ...output, video: { ...output.video, url: `${server.url}${pathname}` } });
});
