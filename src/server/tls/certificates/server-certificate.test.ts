import { execFile, execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { certificateHosts, platformHosts } from '../hosts.ts';
import { startTestListener } from '../listener/listener.test-support.ts';
import { certificateAuthority } from './certificate-authority.ts';
import { inDays, type KeyPair } from './key-pair.ts';
import { issueCertificate, serverCertificate } from './server-certificate.ts';

const run = promisify(execFile);
const { hosts } = certificateHosts({ host: '127.0.0.1' });
const optionalHosts: readonly string[] = [];

test('is made once, and only its owner can read the keys', async () => {
  await using folder = await temporaryFolder();
  const first = await serverCertificate({ folder: folder.path, optionalHosts, hosts });
  const authority = await readFile(first.authorityPath, 'utf8');
  expect(await serverCertificate({ folder: folder.path, optionalHosts, hosts })).toEqual(first);
  expect(await readFile(first.authorityPath, 'utf8')).toBe(authority);
  expect((await readdir(folder.path)).sort()).toEqual(['authority-1.pem', 'ca.pem', 'server.pem']);
  for (const name of ['authority-1.pem', 'server.pem']) {
    expect((await stat(join(folder.path, name))).mode & 0o777, name).toBe(0o600);
  }
  expect(authority).not.toContain('PRIVATE');
});

test('processes starting at the same time agree on one authority', async () => {
  await using folder = await temporaryFolder();
  const script = `
    const { serverCertificate } = await import('${join(import.meta.dirname, 'server-certificate.ts')}');
    const { certificate } = await serverCertificate({ folder: '${folder.path}', optionalHosts: [], hosts: ['localhost', '127.0.0.1'] });
    process.stdout.write(JSON.stringify(certificate.split(/(?<=END CERTIFICATE-----)\\n/)));`;
  const outputs = await Promise.all(
    Array.from({ length: 3 }, () => run(process.execPath, ['--input-type=module', '-e', script])),
  );
  const authority = new X509Certificate(await readFile(join(folder.path, 'ca.pem'), 'utf8'));
  for (const { stdout } of outputs) {
    const [certificate = '', issuer = '']: string[] = JSON.parse(stdout);
    expect(new X509Certificate(issuer).fingerprint256).toBe(authority.fingerprint256);
    expect(new X509Certificate(certificate).verify(authority.publicKey)).toBe(true);
  }
});

test('is renewed before it expires, under the same authority', async () => {
  await using folder = await temporaryFolder();
  const first = await serverCertificate({ folder: folder.path, optionalHosts, hosts });
  const days = (count: number): Date => inDays(new Date(), count);
  expect((await serverCertificate({ folder: folder.path, optionalHosts, hosts, now: days(360) })).expiresAt).toEqual(
    first.expiresAt,
  );
  const second = await serverCertificate({ folder: folder.path, optionalHosts, hosts, now: days(370) });
  expect(second.expiresAt > days(700)).toBe(true);
  expect(authorityOf(second.certificate)).toBe(authorityOf(first.certificate));
  const late = await serverCertificate({ folder: folder.path, optionalHosts, hosts, now: days(3300) });
  expect(authorityOf(late.certificate)).not.toBe(authorityOf(first.certificate));
  expect(new X509Certificate(await readFile(late.authorityPath)).fingerprint256).toBe(authorityOf(late.certificate));
});

test('a clock that was ahead when it was made does not lock anybody out', async () => {
  await using folder = await temporaryFolder();
  const now = new Date();
  await serverCertificate({ folder: folder.path, optionalHosts, hosts, now: inDays(now, 300) });
  const { certificate } = await serverCertificate({ folder: folder.path, optionalHosts, hosts, now });
  expect(new Date(new X509Certificate(certificate).validFrom) <= now).toBe(true);
});

test('gains names: those the authority may vouch for, and others with another authority', async () => {
  await using folder = await temporaryFolder();
  const first = await serverCertificate({
    folder: folder.path,
    optionalHosts,
    hosts: ['localhost', '127.0.0.1', '2001:db8:0:0::1'],
  });
  const below = await serverCertificate({ folder: folder.path, optionalHosts, hosts: ['a.localhost', '127.0.0.1'] });
  expect(new X509Certificate(below.certificate).checkHost('a.localhost')).toBe('a.localhost');
  expect(authorityOf(below.certificate)).toBe(authorityOf(first.certificate));
  const other = await serverCertificate({
    folder: folder.path,
    optionalHosts,
    hosts: ['clips.example.com', '10.0.0.1'],
  });
  expect(new X509Certificate(other.certificate).checkIP('10.0.0.1')).toBe('10.0.0.1');
  expect(authorityOf(other.certificate)).not.toBe(authorityOf(first.certificate));
  // The second authority speaks for the first one's names too: servers with different names do not take turns.
  const again = await serverCertificate({
    folder: folder.path,
    optionalHosts,
    hosts: ['localhost', '127.0.0.1', '2001:db8::1'],
  });
  expect(authorityOf(again.certificate)).toBe(authorityOf(other.certificate));
});

test('one kept from before fal.media was served is renewed, and so is its authority', async () => {
  await using folder = await temporaryFolder();
  const before = hosts.filter((host) => host !== 'fal.media');
  const first = await serverCertificate({ folder: folder.path, optionalHosts: ['container-1'], hosts: before });
  expect(new X509Certificate(first.certificate).checkHost('fal.media')).toBeUndefined();
  const second = await serverCertificate({ folder: folder.path, optionalHosts: ['container-1'], hosts });
  for (const host of ['fal.media', 'v3.fal.media', 'queue.fal.run', 'container-1']) {
    expect(new X509Certificate(second.certificate).checkHost(host)).toBe(host);
  }
  const authority = new X509Certificate(await readFile(second.authorityPath));
  expect(new X509Certificate(second.certificate).verify(authority.publicKey)).toBe(true);
  expect(authority.fingerprint256).not.toBe(authorityOf(first.certificate));
  expect(await serverCertificate({ folder: folder.path, optionalHosts: ['container-1'], hosts })).toEqual(second);
});

test('the name of the machine is no reason for another authority', async () => {
  await using folder = await temporaryFolder();
  const first = await serverCertificate({ folder: folder.path, hosts, optionalHosts: ['container-1'] });
  expect(new X509Certificate(first.certificate).checkHost('container-1')).toBe('container-1');
  const second = await serverCertificate({ folder: folder.path, hosts, optionalHosts: ['container-2'] });
  expect(new X509Certificate(second.certificate).checkHost('container-2')).toBeUndefined();
  expect(new X509Certificate(second.certificate).checkHost('localhost')).toBe('localhost');
  expect(authorityOf(second.certificate)).toBe(authorityOf(first.certificate));
});

test('damaged files are replaced', async () => {
  await using folder = await temporaryFolder();
  const first = await serverCertificate({ folder: folder.path, optionalHosts, hosts });
  await writeFile(join(folder.path, 'server.pem'), 'garbage');
  const second = await serverCertificate({ folder: folder.path, optionalHosts, hosts });
  expect(authorityOf(second.certificate)).toBe(authorityOf(first.certificate));
  await writeFile(join(folder.path, 'authority-1.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----');
  const third = await serverCertificate({ folder: folder.path, optionalHosts, hosts });
  expect(authorityOf(third.certificate)).not.toBe(authorityOf(first.certificate));
});

test('whoever trusts the authority is at no risk beyond its names', async () => {
  await using folder = await temporaryFolder();
  const authority = await certificateAuthority(folder.path, { hosts, optionalHosts }, new Date());
  const trusted = authority.certificate.toString('pem');
  for (const host of ['bank.example', 'fal.run.bank.example', 'notlocalhost', '10.0.0.1', '::2']) {
    const error = await handshakeError(await issueCertificate(authority, [host], new Date()), trusted);
    expect(error?.message, host).toMatch(/permitted subtree violation/);
  }
  for (const host of ['localhost', 'fal.run', '127.0.0.1', '::1']) {
    expect(await handshakeError(await issueCertificate(authority, [host], new Date()), trusted), host).toBeUndefined();
  }
});

const python = ['python3.13', 'python3'].find((name) => isInstalled(name));

test.skipIf(python === undefined)('Python accepts it, strictest checks included', async () => {
  await using listener = await startTestListener();
  const script = `
import ssl, socket, sys
context = ssl.create_default_context(cafile=sys.argv[1])
context.verify_flags |= ssl.VERIFY_X509_STRICT
for name in sys.argv[3:]:
    with socket.create_connection(('127.0.0.1', int(sys.argv[2]))) as raw:
        with context.wrap_socket(raw, server_hostname=name) as secure:
            secure.sendall(b'GET / HTTP/1.1\\r\\nHost: ' + name.encode() + b'\\r\\nConnection: close\\r\\n\\r\\n')
            assert secure.recv(15) == b'HTTP/1.1 200 OK', name
print('ok')`;
  const names = [...platformHosts, 'localhost', '127.0.0.1', 'queue.localhost'];
  const args = ['-c', script, listener.authorityPath, String(listener.port), ...names];
  expect((await run(python ?? '', args)).stdout).toBe('ok\n');
});

function authorityOf(chain: string): string {
  const [, authority = ''] = chain.match(/-----BEGIN[\s\S]+?END.+/g) ?? [];
  return new X509Certificate(authority).fingerprint256;
}

/** What a client that trusts `ca` says to a server with these keys, its name aside. */
async function handshakeError({ certificate, privateKey }: KeyPair, ca: string): Promise<Error | undefined> {
  const server = createServer({ cert: certificate.toString('pem'), key: privateKey });
  server.on('tlsClientError', () => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', ca, checkServerIdentity: () => undefined });
  try {
    await once(socket, 'secureConnect');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    socket.destroy();
    server.close();
  }
}

function isInstalled(command: string): boolean {
  try {
    execFileSync(command, ['-c', 'import ssl; ssl.VERIFY_X509_STRICT'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'soundstage-tls-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
