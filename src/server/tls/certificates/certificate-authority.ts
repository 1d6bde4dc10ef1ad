import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SoundstageError } from '../../../shared/errors.ts';
import type { CertificateHosts } from '../hosts.ts';
import { createFile, readIfPresent, replaceFile } from '../whole-files.ts';
import {
  exportPrivateKey,
  fromPem,
  generateKeys,
  inDays,
  isValidFor,
  type KeyPair,
  serialNumber,
  signing,
  toPem,
} from './key-pair.ts';
import { allows, constrainedNames, constrainNames, constraintsFor } from './name-constraints.ts';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from './x509.ts';

/** An authority outlives every certificate it issues. */
const authorityDays = 3650;
const remainingDays = 450;

/**
 * The local authority for these hosts, made when there is none yet, or when the last one is about to expire or may not speak
 * for one that is not optional. Users trust `ca.pem` in the folder; it can vouch for those hosts only.
 *
 * Authorities are numbered and never rewritten: of several processes that want to make the same number, one does, and
 * the others take it.
 */
export async function certificateAuthority(folder: string, wanted: CertificateHosts, now: Date): Promise<KeyPair> {
  await mkdir(folder, { recursive: true });
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const latest = await latestAuthority(folder);
    if (latest.keys !== undefined && speaksFor(latest.keys.certificate, wanted, now)) {
      await publish(folder, latest.keys);
      if ((await latestNumber(folder)) === latest.number) return latest.keys;
    } else {
      await createFile(
        join(folder, fileName(latest.number + 1)),
        toPem(await successor(latest.keys, wanted, now)),
        0o600,
      );
    }
  }
  throw new SoundstageError(
    'input',
    `The certificates in ${folder} keep changing; give each server its own data folder.`,
  );
}

function speaksFor(authority: X509Certificate, { hosts }: CertificateHosts, now: Date): boolean {
  return isValidFor(authority, remainingDays, now) && allows(constrainedNames(authority), constraintsFor(hosts));
}

/** Keeps what the last one was allowed, lest two servers with different names take turns in replacing each other's. */
function successor(last: KeyPair | undefined, wanted: CertificateHosts, now: Date): Promise<KeyPair> {
  const inherited = last === undefined ? [] : constrainedNames(last.certificate);
  const { hosts, optionalHosts } = wanted;
  const names = [...inherited.map((name) => name.replace(/\/\d+$/, '')), ...hosts, ...optionalHosts];
  return makeAuthority(constraintsFor(names), now);
}

async function makeAuthority(constraints: readonly string[], now: Date): Promise<KeyPair> {
  const keys = await generateKeys();
  const serial = serialNumber();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial,
    // Distinct names, lest a client that trusts two of them tries the wrong key.
    name: [{ O: ['Soundstage'] }, { CN: [`Soundstage local authority ${serial.slice(2, 10)}`] }],
    notBefore: inDays(now, -1),
    notAfter: inDays(now, authorityDays),
    signingAlgorithm: signing,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      constrainNames(constraints),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, privateKey: await exportPrivateKey(keys.privateKey) };
}

async function publish(folder: string, { certificate }: KeyPair): Promise<void> {
  const path = join(folder, 'ca.pem');
  const text = `${certificate.toString('pem')}\n`;
  if ((await readIfPresent(path)) !== text) await replaceFile(path, text, 0o644);
}

interface NumberedAuthority {
  readonly number: number;
  /** Absent when there is none, or the file is damaged. */
  readonly keys: KeyPair | undefined;
}

async function latestAuthority(folder: string): Promise<NumberedAuthority> {
  const number = await latestNumber(folder);
  return {
    number,
    keys: number === 0 ? undefined : fromPem((await readIfPresent(join(folder, fileName(number)))) ?? ''),
  };
}

async function latestNumber(folder: string): Promise<number> {
  const numbers = (await readdir(folder)).map((name) => Number(/^authority-(\d+)\.pem$/.exec(name)?.[1] ?? 0));
  return Math.max(0, ...numbers);
}

function fileName(number: number): string {
  return `authority-${number}.pem`;
}
