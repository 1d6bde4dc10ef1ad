import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ReceivedInput } from '../request/submission.ts';
import { InputReceiver } from './input-receiver.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-receiver-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function received(body: Buffer | string, size: number): Promise<ReceivedInput> {
  await using receiver = new InputReceiver(async () => join(folder, randomUUID()));
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length; at += size) await receiver.write(bytes.subarray(at, at + size));
  return receiver.end();
}

/** The files of an input's attachments, by media type. */
async function filesOf({ attachments }: ReceivedInput): Promise<readonly (readonly [string, Buffer])[]> {
  const files = [...attachments.values()].map(async (attachment) => {
    if ('malformed' in attachment) throw new Error(attachment.malformed);
    return [attachment.mediaType, await readFile(attachment.path)] as const;
  });
  return await Promise.all(files);
}

test('60 MB are dealt with piece by piece: a small text is all that is left for the end', async () => {
  const piece = Buffer.from(randomBytes(48 * 1024).toString('base64'));
  await using receiver = new InputReceiver(async () => join(folder, randomUUID()));
  await receiver.write(Buffer.from('{"prompt":"A","audio_url":"data:audio/wav;base64,'));
  for (let written = 0; written < 60e6; written += piece.length) {
    await receiver.write(piece);
    // All but what was just looked at is on disk.
    expect(receiver.fileBytes).toBeGreaterThan(0.75 * written - 50_000);
    expect(receiver.textBytes).toBeLessThan(300_000);
  }
  await receiver.write(Buffer.from('","loras":[]}'));
  const input = receiver.end();
  expect(JSON.stringify(input.input).length).toBeLessThan(12_000);
  expect(input.attachments.size).toBe(1);
});

const sound = randomBytes(100_000);
const base64 = sound.toString('base64');
const text = `${'é😀"\\/\n'.repeat(9000)}.`;

test.each([
  ['as it is', JSON.stringify(`data:audio/wav;base64,${base64}`), 'audio/wav', sound],
  [
    'with escaped slashes',
    JSON.stringify(`data:audio/wav;base64,${base64}`).replaceAll('/', '\\/'),
    'audio/wav',
    sound,
  ],
  ['with white space around it', JSON.stringify(` \n\u200bdata:;base64,${base64}\r\n \u200b`), '', sound],
  ['in lines', JSON.stringify(`DATA:x/y;a=b;base64,${base64.replace(/.{76}/g, '$&\r\n')}`), 'x/y;a=b', sound],
  ['as text', JSON.stringify(`data:text/plain,${text}`), 'text/plain', Buffer.from(text)],
  [
    'as text in escapes only',
    `"data:,${text.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`,
    '',
    Buffer.from(text),
  ],
])('a data URI %s, wherever the body is cut', async (_, json, mediaType, bytes) => {
  for (const size of [7, 1000, 65_536, 10_000_000]) {
    const input = await received(`{"a":${json},"b":[1,"\\"x\\\\"]}`, size);
    const [[type, file] = ['', Buffer.alloc(0)]] = await filesOf(input);
    expect([type, file.equals(bytes)]).toEqual([mediaType, true]);
    const [placeholder = ''] = input.attachments.keys();
    expect(input.input).toEqual({ a: placeholder, b: [1, '"x\\'] });
  }
});

test('equal data URIs are different files; small ones and other strings stay in the text', async () => {
  const large = `data:;base64,${base64}`;
  const other = { small: 'data:;base64,AAAA', long: 'A'.repeat(100_000), keyed: { 'data:x': large } };
  const input = await received(JSON.stringify({ first: large, second: large, ...other }), 65_536);
  expect(input.attachments.size).toBe(3);
  expect(input.input).toMatchObject({ small: other.small, long: other.long });
});

test.each([
  ['cut off', `{"a":"data:;base64,${base64}`],
  ['a control character', `{"a":"data:;base64,${base64}\n"}`],
  ['an unknown escape', `{"a":"data:;base64,${base64}\\x"}`],
  ['nonsense behind it', `{"a":"data:;base64,${base64}",}`],
])('what is no JSON is refused where it is wrong: %s', async (_, body) => {
  await expect(received(body, 65_536)).rejects.toMatchObject({ name: 'UnreadableInput', position: expect.any(Number) });
  const { position } = await received(body, 65_536).then(
    () => ({ position: 0 }),
    (error: { position: number }) => error,
  );
  expect(Math.abs(position - body.length)).toBeLessThan(5);
});

test('a data URI that is not valid leaves no file', async () => {
  const before = (await readdir(folder)).length;
  const input = await received(JSON.stringify({ a: `data:;base64,${base64.slice(0, -4)}*` }), 65_536);
  expect([...input.attachments.values()]).toEqual([{ malformed: expect.stringContaining('contains "*"') }]);
  expect((await readdir(folder)).length).toBe(before);
});
