import { isIP } from 'node:net';
import { join } from 'node:path';
import type { CertificateHosts } from '../hosts.ts';
import { readIfPresent, replaceFile } from '../whole-files.ts';
import { certificateAuthority } from './certificate-authority.ts';
import {
  exportPrivateKey,
  fromPem,
  generateKeys,
  importPrivateKey,
  inDays,
  isValidFor,
  type KeyPair,
  serialNumber,
  signing,
  toPem,
} from './key-pair.ts';
import { allows, constrainedNames, constraintsFor } from './name-constraints.ts';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from './x509.ts';

/** Some clients accept no longer lifetime than 398 days. */
const certificateDays = 397;
const remainingDays = 30;

export interface CertificateRequest extends CertificateHosts {
  /** Where the authority and the certificate are kept. */
  readonly folder: string;
  readonly now?: Date;
}

export interface ServerCertificate {
  /** The chain, in PEM. */
  readonly certificate: string;
  /** PKCS #8 in PEM. */
  readonly privateKey: string;
  /** File of the authority's certificate, which clients have to trust. */
  readonly authorityPath: string;
  readonly expiresAt: Date;
}

/**
 * The server's certificate from the local authority: the one kept in the folder, or a new one when it is about to expire,
 * misses one of the hosts, or comes from another authority.
 */
export async function serverCertificate(request: CertificateRequest): Promise<ServerCertificate> {
  const { folder, now = new Date() } = request;
  const authority = await certificateAuthority(folder, request, now);
  const allowed = constrainedNames(authority.certificate);
  const added = request.optionalHosts.filter((host) => allows(allowed, constraintsFor([host])));
  const hosts = [...new Set([...request.hosts, ...added])];
  const path = join(folder, 'server.pem');
  const kept = fromPem((await readIfPresent(path)) ?? '');
  const usable = kept !== undefined && (await isUsable(kept.certificate, authority.certificate, hosts, now));
  const keys = usable ? kept : await issueCertificate(authority, hosts, now);
  if (!usable) await replaceFile(path, toPem(keys), 0o600);
  return Object.freeze({
    certificate: `${keys.certificate.toString('pem')}\n${authority.certificate.toString('pem')}\n`,
    privateKey: keys.privateKey,
    authorityPath: join(folder, 'ca.pem'),
    expiresAt: keys.certificate.notAfter,
  });
}

/** Issues a certificate for anything; what it is worth, the constraints of the authority decide. */
export async function issueCertificate(authority: KeyPair, hosts: readonly string[], now: Date): Promise<KeyPair> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ O: ['Soundstage'] }, { CN: ['Soundstage server'] }],
    issuer: authority.certificate.subjectName,
    notBefore: inDays(now, -1),
    notAfter: inDays(now, certificateDays),
    signingAlgorithm: signing,
    signingKey: await importPrivateKey(authority.privateKey),
    publicKey: keys.publicKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      alternativeNames(hosts),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(authority.certificate.publicKey),
    ],
  });
  return { certificate, privateKey: await exportPrivateKey(keys.privateKey) };
}

async function isUsable(
  certificate: X509Certificate,
  authority: X509Certificate,
  hosts: readonly string[],
  now: Date,
): Promise<boolean> {
  if (!isValidFor(certificate, remainingDays, now)) return false;
  const named = new Set(namesOf(certificate.getExtension(SubjectAlternativeNameExtension)));
  if (!namesOf(alternativeNames(hosts)).every((name) => named.has(name))) return false;
  return certificate.verify({ publicKey: authority.publicKey, signatureOnly: true });
}

function alternativeNames(hosts: readonly string[]): SubjectAlternativeNameExtension {
  return new SubjectAlternativeNameExtension(
    hosts.map((host) => ({ type: isIP(host) === 0 ? 'dns' : 'ip', value: host })),
  );
}

function namesOf(extension: SubjectAlternativeNameExtension | null): readonly string[] {
  return extension?.names.toJSON().map(({ type, value }) => `${type}:${value}`) ?? [];
}
