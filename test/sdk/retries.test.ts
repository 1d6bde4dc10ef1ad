import { createFalClient } from '@fal-ai/client';
import { afterAll, expect, test } from 'vitest';
import { endpointId, rewriteHost } from '../support/endpoint.ts';
import { pythonWith } from '../support/programs/python.ts';
import { patchedGlobals } from '../support/programs/python-recipes.ts';
import { startTestServer } from '../support/server.ts';
import { ControlledClipMaker } from './controlled-clip-maker.ts';
import { type FaultPlan, startFaultFront } from './fault-front.ts';

const server = await startTestServer({ maker: new ControlledClipMaker() });
afterAll(() => server[Symbol.asyncDispose]());
const python = await pythonWith('fal-client>=1,<2');

const input = { prompt: 'A dog', audio_url: 'https://example.com/a.wav', loras: [{ path: '' }] };
const isSubmit = (method: string, path: string): boolean => method === 'POST' && path === `/queue/${endpointId}`;
const isRun = (method: string, path: string): boolean => method === 'POST' && path === `/run/${endpointId}`;
const isStatus = (path: string): boolean => path.endsWith('/status');
const isResult = (path: string): boolean => /\/requests\/[^/]+$/.test(path);

test.concurrent('147 JS: 503 three times on submit, then it goes through', async () => {
  const { calls, outcome } = await javascript(
    (method, path, count) => (isSubmit(method, path) && count <= 3 ? { status: 503 } : undefined),
    (fal) => fal.subscribe(endpointId, { input, pollInterval: 50 }),
  );
  expect(outcome).toMatchObject({ data: { prompt: 'A dog' } });
  expect(calls.filter((call) => call.startsWith('POST'))).toHaveLength(4);
});

test.concurrent('148 JS: a start timeout of the caller is final', async () => {
  const { calls, outcome } = await javascript(
    (method, path) => (isRun(method, path) ? userTimeout : undefined),
    (fal) => fal.run(endpointId, { input }),
  );
  expect(outcome).toMatchObject({ status: 504, timeoutType: 'user' });
  expect(calls).toHaveLength(1);
});

test.concurrent('149 JS: 500 on a status is passed over, 500 on a result is final', async () => {
  const once = await javascript(
    (_method, path, count) => (isStatus(path) && count === 1 ? { status: 500 } : undefined),
    (fal) => fal.subscribe(endpointId, { input, pollInterval: 50 }),
  );
  expect(once.outcome).toMatchObject({ data: { prompt: 'A dog' } });
  const failed = await javascript(
    (method, path) => (method === 'GET' && isResult(path) ? { status: 500 } : undefined),
    (fal) => fal.subscribe(endpointId, { input, pollInterval: 50 }),
  );
  expect(failed.outcome).toMatchObject({ status: 500 });
  expect(failed.calls.filter((call) => isResult(call))).toHaveLength(1);
});

test.concurrent('150 JS: 429 on submit once, then it goes through', async () => {
  const { calls, outcome } = await javascript(
    (method, path, count) => (isSubmit(method, path) && count === 1 ? { status: 429 } : undefined),
    (fal) => fal.subscribe(endpointId, { input, pollInterval: 50 }),
  );
  expect(outcome).toMatchObject({ data: { prompt: 'A dog' } });
  expect(calls.filter((call) => call.startsWith('POST'))).toHaveLength(2);
});

test.skipIf(python === undefined)('148, 150, 151 Python: what is retried and what is final', async () => {
  const timedOut = await pythonOutcome((method, path) => (isRun(method, path) ? userTimeout : undefined), 'run');
  expect(timedOut).toMatchObject({ printed: { status: 504 }, calls: [`POST /run/${endpointId}`] });
  const limited = await pythonOutcome(
    (method, path, count) => (isSubmit(method, path) && count === 1 ? { status: 429 } : undefined),
    'subscribe',
  );
  expect(limited.printed).toMatchObject({ output: { prompt: 'A dog' } });
  expect(limited.calls.filter((call) => call.startsWith('POST'))).toHaveLength(2);
  const ours = { status: 503, headers: { 'x-fal-request-id': 'x', 'content-type': 'text/html' }, body: '<p>nginx</p>' };
  const final = await pythonOutcome((method, path) => (isSubmit(method, path) ? ours : undefined), 'subscribe');
  expect(final).toMatchObject({ printed: { status: 503 }, calls: [`POST /queue/${endpointId}`] });
  const { headers: _, ...ingress } = ours;
  const retried = await pythonOutcome(
    (method, path, count) => (isSubmit(method, path) && count === 1 ? ingress : undefined),
    'subscribe',
  );
  expect(retried.printed).toMatchObject({ output: { prompt: 'A dog' } });
});

const userTimeout = { status: 504, headers: { 'x-fal-request-timeout-type': 'user' } };

interface Attempt {
  readonly outcome: unknown;
  readonly calls: readonly string[];
}

async function javascript(
  plan: FaultPlan,
  use: (fal: ReturnType<typeof createFalClient>) => Promise<unknown>,
): Promise<Attempt> {
  await using front = await startFaultFront(server.url, plan);
  const fal = createFalClient({
    credentials: 'local:local',
    requestMiddleware: async (request) => ({ ...request, url: rewriteHost(request.url, front.url) }),
  });
  const outcome = await use(fal).catch((error: unknown) => error);
  return { outcome, calls: front.calls };
}

async function pythonOutcome(
  plan: FaultPlan,
  call: 'run' | 'subscribe',
): Promise<{ readonly printed: unknown; readonly calls: readonly string[] }> {
  await using front = await startFaultFront(server.url, plan);
  const program = `${patchedGlobals(front.url)}
import json
try:
    output = fal_client.${call}("${endpointId}", arguments=json.loads('${JSON.stringify(input)}'))
    print(json.dumps({"output": output}))
except fal_client.FalClientHTTPError as error:
    print(json.dumps({"status": error.status_code}))
`;
  const printed: unknown = JSON.parse((await python?.run(program, { FAL_KEY: 'local:local' })) ?? '');
  return { printed, calls: front.calls };
}
