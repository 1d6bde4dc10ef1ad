import { expect, test } from 'vitest';
import { readQueueOptions, readRunOptions } from './request-options.ts';

const none = (): undefined => undefined;
const from =
  (values: Record<string, string>) =>
  (name: string): string | undefined =>
    values[name];
const queue = (headers: Record<string, string>, query: Record<string, string> = {}) =>
  readQueueOptions(from(headers), from(query));

test('nothing asked for', () => {
  expect(readQueueOptions(none, none)).toEqual({
    priority: 'normal',
    startTimeout: undefined,
    webhook: undefined,
    maxQueueLength: undefined,
    storePayloads: true,
    lifecycle: undefined,
    retries: { crashes: 2, interruptions: 1 },
    tags: {},
  });
});

test.each([
  ['30.0', 30],
  ['30', 30],
  ['0.2', 0.2],
  ['1e3', 1000],
  ['1e300', 365 * 86_400],
])('start timeout %s', (text, expected) => {
  expect(readRunOptions(from({ 'x-fal-request-timeout': text })).startTimeout).toBe(expected);
});

test.each(['abc', '-1', '0', '0.1', 'NaN', 'Infinity', '0x10', '1,2', '1 2'])('start timeout %s is refused', (text) => {
  expect(() => readRunOptions(from({ 'x-fal-request-timeout': text }))).toThrow('seconds');
});

test('the newer start timeout wins', () => {
  const headers = { 'x-fal-request-timeout': '5', 'x-fal-request-start-timeout': '7' };
  expect(readRunOptions(from(headers)).startTimeout).toBe(7);
});

test('priorities: unknown ones are normal', () => {
  expect(queue({ 'x-fal-queue-priority': 'low' }).priority).toBe('low');
  expect(queue({ 'x-fal-queue-priority': 'urgent' }).priority).toBe('normal');
});

test('retries can be switched off', () => {
  const none = { crashes: 0, interruptions: 0 };
  expect(queue({ 'x-fal-no-retry': 'yes' }).retries).toEqual(none);
  expect(queue({ 'x-fal-no-retry': '0' }).retries).not.toEqual(none);
  const both = { 'x-fal-no-retry': 'true', 'x-fal-retry-config': '{"server_error":{"retries":3}}' };
  expect(queue(both).retries).toEqual(none);
  expect(readRunOptions(from({ 'x-fal-retry-config': both['x-fal-retry-config'] })).retries).toEqual(none);
});

test.each([
  ['{}', 2, 1],
  ['{"server_error":{"retries":0}}', 0, 1],
  ['{"server_error":{"retries":5},"connection_error":{"retries":1}}', 5, 1],
  ['{"connection_error":{"retries":0}}', 2, 0],
  ['{"server_error":{"retries":100},"connection_error":{"retries":100}}', 9, 1],
  ['{"timeout":{"retries":0}}', 2, 1],
])('retries as configured: %s', (text, crashes, interruptions) => {
  expect(queue({ 'x-fal-retry-config': text }).retries).toEqual({ crashes, interruptions });
});

test('a retry configuration is refused where it is none', () => {
  expect(() => queue({ 'x-fal-retry-config': '{' })).toThrow('x-fal-retry-config');
  expect(() => queue({ 'x-fal-retry-config': '{"server_error":0}' })).toThrow('x-fal-retry-config');
});

test('payloads are stored unless told otherwise', () => {
  expect(queue({ 'x-fal-store-io': '0' }).storePayloads).toBe(false);
  expect(queue({ 'x-fal-store-io': '1' }).storePayloads).toBe(true);
});

test('webhooks and the longest queue', () => {
  expect(queue({}, { fal_webhook: 'https://a.b/c?d=e' }).webhook).toBe('https://a.b/c?d=e');
  expect(queue({}, { fal_webhook: '\ufeff \nhttps://a.b/c?d=e\u200b\r\n\u00a0' }).webhook).toBe('https://a.b/c?d=e');
  expect(queue({}, { fal_webhook: ' \n' }).webhook).toBeUndefined();
  expect(() => queue({}, { fal_webhook: 'file:///etc/passwd' })).toThrow('http or https');
  expect(() => queue({}, { fal_webhook: 'nonsense' })).toThrow('http or https');
  expect(queue({}, { fal_max_queue_length: '0' }).maxQueueLength).toBe(0);
  expect(() => queue({}, { fal_max_queue_length: '-1' })).toThrow('whole number');
});

test('tags', () => {
  expect(queue({ 'x-fal-tags': 'team=a, shot=1=2' }).tags).toEqual({ team: 'a', shot: '1=2' });
  const bad = [
    'Team=a',
    'team',
    'fal.x=1',
    `a=${'x'.repeat(257)}`,
    'x'.repeat(1025),
    Array.from({ length: 11 }, (_, i) => `k${i}=1`).join(),
  ];
  for (const tags of bad) expect(() => queue({ 'x-fal-tags': tags })).toThrow('x-fal-tags');
});
