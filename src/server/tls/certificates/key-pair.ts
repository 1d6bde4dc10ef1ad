import { createPrivateKey, X509Certificate as NodeCertificate, webcrypto } from 'node:crypto';
import { PemConverter, X509Certificate } from './x509.ts';

/** Keys on the P-256 curve, the one every TLS client knows. */
export const signing = Object.freeze({ name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' });

/** A certificate with its private key. */
export interface KeyPair {
  readonly certificate: X509Certificate;
  /** PKCS #8 in PEM. */
  readonly privateKey: string;
}

export function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(signing, true, ['sign', 'verify']);
}

export async function exportPrivateKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), PemConverter.PrivateKeyTag)}\n`;
}

export function importPrivateKey(privateKey: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(privateKey).export({ format: 'der', type: 'pkcs8' });
  return webcrypto.subtle.importKey('pkcs8', der, signing, false, ['sign']);
}

/** One file's worth of PEM, so that certificate and key can never be of different makes. */
export function toPem({ certificate, privateKey }: KeyPair): string {
  return `${certificate.toString('pem')}\n${privateKey}`;
}

/** Undefined unless the text holds a certificate and the key that belongs to it. */
export function fromPem(text: string): KeyPair | undefined {
  const [certificate = ''] = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/) ?? [];
  const [privateKey = ''] = text.match(/-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----\n?/) ?? [];
  try {
    if (!new NodeCertificate(certificate).checkPrivateKey(createPrivateKey(privateKey))) return undefined;
    return { certificate: new X509Certificate(certificate), privateKey };
  } catch {
    // Damaged or edited by hand; the caller makes a new one.
    return undefined;
  }
}

/** Whether the certificate is valid now and still will be in `days` days. */
export function isValidFor({ notBefore, notAfter }: X509Certificate, days: number, now: Date): boolean {
  return notBefore <= now && notAfter >= inDays(now, days);
}

export function inDays(from: Date, days: number): Date {
  return new Date(from.getTime() + days * 86_400_000);
}

/** Sixteen random bytes, positive as the standard wants it. */
export function serialNumber(): string {
  const bytes = Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)));
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes.toString('hex');
}
