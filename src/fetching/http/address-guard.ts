import ipaddr from 'ipaddr.js';
import { SoundstageError } from '../../shared/errors.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Rule = (host: string, address: Address) => boolean;

/** Decides which machines may be contacted on behalf of a caller. */
export interface AddressGuard {
  /**
   * Whether a connection for `host` may go to `address`, one its name led to (or `host` itself). Public addresses may;
   * private, local, shared, multicast and reserved ones only where the operator listed the host, address or network.
   */
  permits(host: string, address: string): boolean;
}

/**
 * @param allowed hosts, addresses or networks (CIDR) that may be contacted although they are private; `*` for all
 * @throws SoundstageError `input` naming the setting
 */
export function addressGuard(allowed: readonly string[]): AddressGuard {
  const rules = allowed.map(parseRule);
  return Object.freeze({
    permits: (host: string, address: string) => {
      const parsed = parseAddress(address);
      if (parsed === undefined) return false;
      return isPublic(parsed) || rules.some((rule) => rule(normalHost(host), parsed));
    },
  });
}

function parseRule(text: string): Rule {
  if (text === '*') return () => true;
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  if (ipaddr.isValidCIDR(bare)) {
    const [network, length] = ipaddr.parseCIDR(bare);
    return (_host, address) => address.kind() === network.kind() && address.match(network, length);
  }
  const single = parseAddress(bare);
  if (single !== undefined) return (_host, address) => address.toString() === single.toString();
  const host = URL.parse(`http://${text}/`)?.host;
  if (!host || /[/?#@:]/.test(text)) {
    throw new SoundstageError(
      'input',
      `SOUNDSTAGE_ALLOW_PRIVATE_HOSTS has the entry ${JSON.stringify(text)}: list host names, addresses or networks like 10.0.0.0/8, without port or path`,
      { field: 'SOUNDSTAGE_ALLOW_PRIVATE_HOSTS' },
    );
  }
  return (asked) => asked === normalHost(host);
}

function normalHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, '');
}

/** IPv4-mapped addresses reach IPv4 machines, so they are judged as what they map. */
function parseAddress(text: string): Address | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  return ipaddr.IPv4.isValidFourPartDecimal(bare) || ipaddr.IPv6.isValid(bare) ? ipaddr.process(bare) : undefined;
}

const nat64 = ipaddr.parseCIDR('64:ff9b::/96');
const sixToFour = ipaddr.parseCIDR('2002::/16');
/** All that is assigned for use between networks (https://www.iana.org/assignments/ipv6-address-space). */
const globalUnicast = ipaddr.parseCIDR('2000::/3');

/**
 * Public by their number, but of the network that the machine is in: what clouds have there answers to the machine alone,
 * and some of it gives away credentials.
 */
const platformAddresses = [
  '168.63.129.16/32', // Azure: the host of the machine
  '192.80.8.124/32', // Equinix: metadata
  '161.26.0.0/16', // IBM: services of the infrastructure
  '166.8.0.0/14', // IBM: private endpoints of services
].map((network) => ipaddr.IPv4.parseCIDR(network));

function isPublic(address: Address): boolean {
  if (!(address instanceof ipaddr.IPv6)) {
    return address.range() === 'unicast' && !platformAddresses.some((network) => address.match(network));
  }
  const bytes = address.toByteArray();
  if (address.match(nat64)) return isPublic(ipaddr.fromByteArray(bytes.slice(12)));
  if (address.match(sixToFour)) return isPublic(ipaddr.fromByteArray(bytes.slice(2, 6)));
  // ISATAP (RFC 5214): the tunnel ends at the IPv4 address in the last bytes, whatever the prefix.
  if (
    /^0[02]005efe/.test(Buffer.from(bytes.slice(8)).toString('hex')) &&
    !isPublic(ipaddr.fromByteArray(bytes.slice(12)))
  )
    return false;
  return address.range() === 'unicast' && address.match(globalUnicast);
}
