import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, expect, test } from 'vitest';
import * as x509 from '../../server/tls/certificates/x509.ts';
import { serveHttp, serveHttps } from './file-server.test-support.ts';
import { openGuardedClient } from './guarded-client.ts';
import { guardedFetch } from './guarded-fetch.ts';
import { postGuarded } from './guarded-post.ts';

const client = openGuardedClient({
  allowPrivateHosts: ['127.0.0.1'],
  lookup: (_host, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
});
const system = getCACertificates('default');
afterAll(async () => {
  setDefaultCACertificates(system);
  await client[Symbol.asyncDispose]();
});

async function certificate(host: string, notAfter: Date): Promise<{ readonly cert: string; readonly key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${host}`,
    notBefore: new Date(Date.now() - 2 * 86_400_000),
    notAfter,
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }])],
  });
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { cert: made.toString('pem'), key: x509.PemConverter.encode(key, 'PRIVATE KEY') };
}

const get = async (url: string): Promise<string> => {
  await using response = await guardedFetch(client, url, { field: 'image_url', maxBytes: 1000, timeout: 5000 });
  return Buffer.concat(await Array.fromAsync(response.body)).toString();
};

test('a certificate must be trusted, current and for the host asked for', async () => {
  const good = await certificate('files.example', new Date(Date.now() + 86_400_000));
  const old = await certificate('files.example', new Date(Date.now() - 86_400_000));
  await using server = await serveHttps(good, ({ headers }, response) => response.end(headers.host));
  await using expired = await serveHttps(old, (_request, response) => response.end());

  await expect(get(`https://files.example:${server.port}/`)).rejects.toMatchObject({
    type: 'file_download_error',
    message: expect.stringMatching(/not trusted/),
  });
  setDefaultCACertificates([...system, good.cert, old.cert]);
  expect(await get(`https://files.example:${server.port}/`)).toBe(`files.example:${server.port}`);
  await expect(get(`https://other.example:${server.port}/`)).rejects.toThrow(/for another host/);
  await expect(get(`https://files.example:${expired.port}/`)).rejects.toThrow(/has expired/);
  await expect(
    postGuarded(client, `https://other.example:${server.port}/`, { body: '', headers: {}, timeout: 2000 }),
  ).rejects.toMatchObject({ kind: 'network' });
});

test('a server that speaks no TLS', async () => {
  await using server = await serveHttp((_request, response) => response.end());
  await expect(get(`https://127.0.0.1:${server.port}/`)).rejects.toThrow(/no TLS connection/);
});
