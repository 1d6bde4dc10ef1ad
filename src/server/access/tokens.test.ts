import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { createTokens } from './tokens.ts';

const secret = Buffer.alloc(32, 1);
const tokens = createTokens(secret);

test('a token says what it was issued with', async () => {
  const token = await tokens.issue('app', { owner: 'ann', apps: ['ltx-2-19b'] }, 60);
  expect(token).toMatch(/^[\w.-]+$/);
  expect(await tokens.verify('app', token)).toEqual({ owner: 'ann', apps: ['ltx-2-19b'] });
});

test('a token is good for one kind, one secret and its time only', async () => {
  const token = await tokens.issue('cdn', { owner: 'ann' }, 60);
  expect(await tokens.verify('app', token)).toBeUndefined();
  expect(await tokens.verify('upload', token)).toBeUndefined();
  expect(await createTokens(Buffer.alloc(32, 2)).verify('cdn', token)).toBeUndefined();
  const [header = '', payload = '', signature = ''] = token.split('.');
  const forged = Buffer.from(JSON.stringify({ claims: { owner: 'eve' }, aud: 'cdn', exp: 9e9 })).toString('base64url');
  expect(await tokens.verify('cdn', `${header}.${forged}.${signature}`)).toBeUndefined();
  expect(await tokens.verify('cdn', `${header}.${payload}.`)).toBeUndefined();
  expect(await tokens.verify('cdn', await tokens.issue('cdn', { owner: 'ann' }, -1))).toBeUndefined();
});

test('what is not a token, or without end or signature, is refused', async () => {
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"aud":"cdn","exp":9e9,"claims":{"owner":"eve"}}').toString('base64url')}.`;
  const endless = await new SignJWT({ claims: { owner: 'eve' } })
    .setProtectedHeader({ alg: 'HS256' })
    .setAudience('cdn')
    .sign(secret);
  for (const text of ['', 'x', 'a.b.c', unsigned, endless, 'Key a:b']) {
    expect(await tokens.verify('cdn', text)).toBeUndefined();
  }
});
