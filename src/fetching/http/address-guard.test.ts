import { expect, test } from 'vitest';
import { addressGuard } from './address-guard.ts';

const strict = addressGuard([]);

test.each([
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.254'],
  ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.2.1', '192.168.1.1', '198.18.0.1'],
  ...['198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
  ...['::', '::1', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'fec0::1', 'fc00::1', 'fd12:3456::1', 'ff02::1'],
  ...['::ffff:127.0.0.1', '::ffff:a9fe:a9fe', '::ffff:0:127.0.0.1', '::127.0.0.1', '::7f00:1'],
  ...['64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::808:808', '2002:7f00:1::', '2002:a9fe:a9fe::1'],
  ...['2001::1', '2001:db8::1', '100::1', '3fff::1', '5f00::1', '4000::1', '1::1'],
  ...[
    '168.63.129.16',
    '::ffff:168.63.129.16',
    '64:ff9b::168.63.129.16',
    '2002:a83f:8110::1',
    '2001:470::5efe:168.63.129.16',
  ],
  ...['192.80.8.124', '161.26.0.10', '166.8.0.1', '166.11.255.255', '100.100.100.200', '192.0.0.192', '169.254.170.2'],
  ...[
    'fd00:ec2::254',
    'fd20:ce::254',
    'fd00:42::42',
    'fe80::a9fe:a9fe',
    '2001:470::200:5efe:10.0.0.1',
    '2001:470::5efe:7f00:1',
  ],
  ...['192.175.48.1', '192.31.196.1', '192.52.193.1', '192.88.99.1', '2620:4f:8000::1', '2001:4:112::1'],
  ...['', 'localhost', '127.1', '0177.0.0.1', '2130706433', 'not an address'],
])('%s is refused', (address) => {
  expect(strict.permits('example.com', address)).toBe(false);
});

test.each([
  ...['1.1.1.1', '8.8.8.8', '9.255.255.255', '100.63.255.255', '128.0.0.1', '172.15.0.1', '172.32.0.1', '223.0.0.1'],
  ...['168.63.129.15', '168.63.129.17', '161.25.255.255', '166.7.255.255', '166.12.0.1'],
  ...[
    '2001:470::5efe:8.8.8.8',
    '2606:4700::1111',
    '2001:4860:4860::8888',
    '2a00:1450::1',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
    '2002:808:808::1',
  ],
])('%s is public', (address) => {
  expect(strict.permits('example.com', address)).toBe(true);
});

test('the operator lists hosts, addresses and networks', () => {
  const guard = addressGuard(['Files.Internal', '10.1.0.0/16', '192.168.7.7', '[fd00::5]', 'fd01::/16']);
  expect(guard.permits('files.internal.', '172.16.0.9')).toBe(true);
  expect(guard.permits('evil.files.internal', '172.16.0.9')).toBe(false);
  expect(guard.permits('any', '10.1.200.3')).toBe(true);
  expect(guard.permits('any', '::ffff:10.1.200.3')).toBe(true);
  expect(guard.permits('any', '10.2.0.1')).toBe(false);
  expect(guard.permits('any', '192.168.7.7')).toBe(true);
  expect(guard.permits('any', '192.168.7.8')).toBe(false);
  expect(guard.permits('any', 'fd00:0::5')).toBe(true);
  expect(guard.permits('any', 'fd01::5')).toBe(true);
  expect(guard.permits('any', 'fd02::5')).toBe(false);
  expect(addressGuard(['*']).permits('any', '127.0.0.1')).toBe(true);
});

test.each(['http://host', 'host:80', 'a b', '10.0.0.0/33', 'user@host', 'host/path'])(
  'the entry %s is refused',
  (text) => {
    expect(() => addressGuard([text])).toThrow(/SOUNDSTAGE_ALLOW_PRIVATE_HOSTS/);
  },
);
