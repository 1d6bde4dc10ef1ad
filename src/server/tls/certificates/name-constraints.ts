import { isIP } from 'node:net';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  id_ce_nameConstraints,
  NameConstraints,
} from '@peculiar/asn1-x509';
import { Extension, type X509Certificate } from './x509.ts';

/**
 * Limits an authority to the given names: each allows itself and everything below it; addresses are written with their
 * prefix length.
 */
export function constrainNames(names: readonly string[]): Extension {
  const permitted = names.map((name) => new GeneralSubtree({ base: generalName(name) }));
  const constraints = new NameConstraints({ permittedSubtrees: new GeneralSubtrees(permitted) });
  return new Extension(id_ce_nameConstraints, true, AsnConvert.serialize(constraints));
}

/** What an authority is limited to; empty without limits, because such an authority is none of ours. */
export function constrainedNames(authority: X509Certificate): readonly string[] {
  const extension = authority.getExtension(id_ce_nameConstraints);
  return extension === null ? [] : permittedNames(extension);
}

/** The fewest constraints under which a certificate for all of `hosts` may be issued. */
export function constraintsFor(hosts: readonly string[]): readonly string[] {
  const addresses = hosts.filter((host) => isIP(host) !== 0).map((host) => `${host}/${isIP(host) === 4 ? 32 : 128}`);
  const names = hosts.filter((host) => isIP(host) === 0).map((host) => host.replace(/^\*\./, ''));
  const widest = names.filter((name) => !names.some((other) => name.endsWith(`.${other}`)));
  // Read back, so that an address is spelled as it will be in the certificate.
  return permittedNames(constrainNames([...new Set([...widest, ...addresses])]));
}

/** Whether everything that `wanted` allows is allowed by `given`. */
export function allows(given: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((name) => given.some((wider) => name === wider || name.endsWith(`.${wider}`)));
}

function permittedNames(extension: Extension): readonly string[] {
  const { permittedSubtrees } = AsnConvert.parse(extension.value, NameConstraints);
  return Array.from(permittedSubtrees ?? [], ({ base }) => base.dNSName ?? base.iPAddress ?? '');
}

function generalName(name: string): GeneralName {
  return name.includes('/') ? new GeneralName({ iPAddress: name }) : new GeneralName({ dNSName: name });
}
