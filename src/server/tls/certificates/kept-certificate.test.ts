import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { certificateHosts } from '../hosts.ts';
import { keepCertificate } from './kept-certificate.ts';
import { type ServerCertificate, serverCertificate } from './server-certificate.ts';

const day = 86_400_000;

afterEach(() => {
  vi.useRealTimers();
});

test('the certificate in use follows the one on disk, and survives a failure to read it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-tls-'));
  const certificate = await serverCertificate({ folder, ...certificateHosts({ host: '127.0.0.1' }) });
  const errors: unknown[] = [];
  const answers: (() => Promise<ServerCertificate>)[] = [
    async () => certificate,
    async () => {
      throw new Error('disk unplugged');
    },
    async () => certificate,
  ];
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const next = (): Promise<ServerCertificate> => answers.shift()?.() ?? Promise.reject(new Error('asked too often'));
  const kept = await keepCertificate(next, (error) => errors.push(error));
  const first = kept.context();
  await vi.advanceTimersByTimeAsync(day);
  expect(errors).toEqual([new Error('disk unplugged')]);
  expect(kept.context()).toBe(first);
  await vi.advanceTimersByTimeAsync(day);
  expect(kept.context()).not.toBe(first);
  kept[Symbol.dispose]();
  await vi.advanceTimersByTimeAsync(10 * day);
  expect(errors).toHaveLength(1);
  await rm(folder, { recursive: true });
});
