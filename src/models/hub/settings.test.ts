import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { retryAfter } from './failures.ts';
import { hubSettings } from './settings.ts';

test('the cache folder follows the variables of the hub tools, the narrowest first', () => {
  const cache = (env: NodeJS.ProcessEnv): string => hubSettings({ env }).cache;
  expect(cache({})).toBe(join(homedir(), '.cache/huggingface/hub'));
  expect(cache({ XDG_CACHE_HOME: '/x' })).toBe('/x/huggingface/hub');
  expect(cache({ XDG_CACHE_HOME: '/x', HF_HOME: '/h' })).toBe('/h/hub');
  expect(cache({ HF_HOME: '/h', HF_HUB_CACHE: '~/c', HOME: '/me' })).toBe('/me/c');
  expect(hubSettings({ env: { HF_HUB_CACHE: '/c' }, cache: '/option' }).cache).toBe('/option');
});

test('offline mode and endpoint', () => {
  expect(hubSettings({ env: {} })).toMatchObject({ offline: false, endpoint: 'https://huggingface.co' });
  expect(hubSettings({ env: { HF_HUB_OFFLINE: '1', HF_ENDPOINT: 'https://mirror.example/' } })).toMatchObject({
    offline: true,
    endpoint: 'https://mirror.example',
  });
  expect(hubSettings({ env: { HF_HUB_OFFLINE: '0' } }).offline).toBe(false);
  expect(() => hubSettings({ env: { HF_ENDPOINT: 'mirror' } })).toThrow(/HF_ENDPOINT/);
});

test('the token comes from the variable, then the token files, and no dump shows it', async () => {
  const home = await mkdtemp(join(tmpdir(), 'soundstage-token-'));
  try {
    const token = (env: NodeJS.ProcessEnv): Promise<string | undefined> => hubSettings({ env }).token();
    expect(await token({ HF_HOME: home })).toBeUndefined();
    await writeFile(join(home, 'token'), 'from-home\n');
    await writeFile(join(home, 'other'), 'from-path');
    expect(await token({ HF_HOME: home })).toBe('from-home');
    expect(await token({ HF_HOME: home, HF_TOKEN_PATH: join(home, 'other') })).toBe('from-path');
    const env = { HF_HOME: home, HF_TOKEN: 'from-variable' };
    expect(await token(env)).toBe('from-variable');
    expect(inspect(hubSettings({ env }), { depth: 9, showHidden: true })).not.toContain('from-variable');
  } finally {
    await rm(home, { recursive: true });
  }
});

test('Retry-After is seconds or a date', () => {
  expect(retryAfter('3')).toBe(3000);
  expect(retryAfter(new Date(Date.now() + 60_000).toUTCString())).toBeGreaterThan(50_000);
  expect(retryAfter(new Date(0).toUTCString())).toBe(0);
  expect(retryAfter('soon')).toBeUndefined();
  expect(retryAfter(null)).toBeUndefined();
});
