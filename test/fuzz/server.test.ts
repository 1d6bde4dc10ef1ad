import { Agent } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Problem } from '../../src/contract/errors/problem.ts';
import { TestClipMaker } from '../../src/jobs/jobs.test-support.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { brokenBodies } from './broken-bodies.ts';
import { type Known, oddRequests } from './odd-requests.ts';
import type { Sample } from './sample.ts';
import { type Reply, send, type WrittenRequest } from './send.ts';
import { fuzzingTimeout, tryMany } from './try-many.ts';
import { validBodies } from './valid-bodies.ts';

const id = 'fal-ai/ltx-2-19b/distilled/audio-to-video/lora';
const app = 'fal-ai/ltx-2-19b';
const clip = JSON.stringify({ prompt: 'A woman speaks', audio_url: 'https://example.com/a.wav', loras: [] });

/** Milliseconds after which a request counts as forgotten. */
const patience = 30_000;

const agent = new Agent({ keepAlive: true });
const maker = new TestClipMaker();
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ maker });
});
afterAll(async () => {
  agent.destroy();
  // Whatever was sent, nothing of it was our fault.
  expect(server.logged.filter(({ level }) => level === 'error')).toEqual([]);
  await server[Symbol.asyncDispose]();
});

function ask(path: string, given: Partial<WrittenRequest> = {}): Promise<Reply> {
  const request = { method: 'GET', headers: {}, body: undefined, path, ...given };
  return send(server.url, request, { agent, signal: AbortSignal.timeout(patience) });
}

function post(path: string, body: string | undefined): Promise<Reply> {
  return ask(path, { method: 'POST', body });
}

/** As texts, because their order does not matter. */
function places(problems: readonly Pick<Problem, 'loc'>[]): readonly string[] {
  return problems.map(({ loc }) => JSON.stringify(loc)).sort();
}

function problemsIn({ text }: Reply): readonly Problem[] {
  return (JSON.parse(text) as { detail: readonly Problem[] }).detail;
}

async function thingsToAskFor(): Promise<Known> {
  const made = await post(`/run/${id}`, clip);
  const erased = await post(`/run/${id}`, clip);
  const refused = await post(`/run/${id}`, '{}');
  const { access_url: url } = JSON.parse((await post('/cdn/files/upload', 'sound')).text) as { access_url: string };
  const initiate = '/rest/storage/upload/initiate-multipart?storage_type=fal-cdn-v3';
  const { upload_url: upload } = JSON.parse((await post(initiate, '{}')).text) as { upload_url: string };
  const { pathname, searchParams } = new URL(upload);
  return {
    '{id}': [made.requestId, refused.requestId, '01a20351-8294-7390-af0b-30f4fc2d971f'],
    '{erased}': [erased.requestId],
    '{file}': [new URL(url).pathname.replace('/cdn', ''), '/files/b/0a/nothing_clip.mp4'],
    '{upload}': [pathname.replace('/cdn/files/upload/', '')],
    token: [searchParams.get('token') ?? ''],
    url: [url],
  };
}

test(
  'a valid body is served, and read as it was meant',
  async () => {
    const read = new Map<string, unknown>();
    maker.behavior = async ({ id: requestId, input }) => void read.set(requestId, input);
    const attempt = async (sample: Sample): Promise<void> => {
      const { status, requestId, text } = await post(`/run/${id}`, JSON.stringify(sample.given));
      expect([status, JSON.parse(text)]).toMatchObject([200, { video: { url: expect.any(String) } }]);
      expect(read.get(requestId)).toEqual(sample.read);
      read.delete(requestId);
    };
    // Each is made, which costs several times what a refusal does.
    await tryMany('valid bodies', validBodies(), attempt, 1 / 4);
  },
  fuzzingTimeout,
);

test(
  'a broken body is refused, and every place that is wrong is named',
  async () => {
    const inputs = fc.tuple(brokenBodies(), fc.constantFrom('run', 'queue'));
    await tryMany('broken bodies', inputs, async ([sample, way]) => {
      const first = await post(`/${way}/${id}`, JSON.stringify(sample.given));
      if (way === 'queue') expect(first.status).toBe(200);
      const reply = way === 'queue' ? await ask(`/queue/${app}/requests/${first.requestId}`) : first;
      expect(reply.status).toBe(422);
      const problems = problemsIn(reply);
      expect(places(problems)).toEqual(places(sample.wrong.map((path) => ({ loc: ['body', ...path] }))));
      for (const { type, msg } of problems) expect([type, msg]).toEqual([expect.any(String), expect.any(String)]);
    });
  },
  fuzzingTimeout,
);

test(
  'a damaged body is refused, or served as what is left of it',
  async () => {
    const damages = fc.record({ at: fc.nat(), cut: fc.nat(5), piece: fc.string({ unit: 'binary', maxLength: 5 }) });
    const damaged = fc.tuple(validBodies(), damages).map(([{ given }, { at, cut, piece }]) => {
      const whole = JSON.stringify(given);
      const start = at % whole.length;
      return `${whole.slice(0, start)}${piece}${whole.slice(start + cut)}`;
    });
    await tryMany('damaged bodies', damaged, async (body) => {
      const reply = await post(`/run/${id}`, body);
      if (reply.status === 200) return void JSON.parse(body);
      expect(reply.status).toBe(422);
      for (const { loc } of problemsIn(reply)) expect(loc[0]).toBe('body');
    });
  },
  fuzzingTimeout,
);

test(
  'whatever is asked for in whatever way is answered, and not by an error of the server',
  async () => {
    await tryMany('odd requests', oddRequests(await thingsToAskFor()), async (odd) => {
      const reply = await ask(odd.path, odd);
      // Not to be ready, on a machine that is busy, is an answer.
      const isAnswer = reply.status < 500 || (reply.status === 503 && odd.path.startsWith('/ready'));
      expect([isAnswer, reply.requestId]).toEqual([true, expect.stringMatching(/^[0-9a-f-]{36}$/)]);
      if (reply.status >= 400 && odd.method !== 'HEAD') expect(reply.type).toContain('application/json');
    });
  },
  fuzzingTimeout,
);
