import { expect, test } from 'vitest';
import { parseLifecycle } from './lifecycle.ts';

test.each([
  ['{}', {}],
  ['{"expiration_duration_seconds":60}', { expiration_duration_seconds: 60 }],
  ['{"expiration_duration_seconds":null,"initial_acl":null}', { expiration_duration_seconds: null }],
  ['{"initial_acl":{"default":"hide"}}', { initial_acl: { default: 'hide', rules: [] } }],
  ['{"initial_acl":{"default":"forbid","rules":null}}', { initial_acl: { default: 'forbid', rules: [] } }],
  [
    '{"initial_acl":{"rules":[{"user":"ann","decision":"forbid"}]},"other":1}',
    { initial_acl: { default: 'allow', rules: [{ user: 'ann', decision: 'forbid' }] } },
  ],
])('%s', (text, expected) => {
  expect(parseLifecycle(text)).toEqual(expected);
});

test.each([
  ['', /not JSON/],
  ['never', /not JSON/],
  ['[]', /not usable/],
  ['3600', /not usable/],
  ['{"expiration_duration_seconds":"1h"}', /expiration_duration_seconds .*number of seconds/],
  ['{"expiration_duration_seconds":0}', /more than 0 seconds/],
  ['{"expiration_duration_seconds":-1}', /more than 0 seconds/],
  ['{"expiration_duration_seconds":1e300}', /at most/],
  ['{"initial_acl":{"default":"deny"}}', /initial_acl\.default .*allow, forbid, hide/],
  ['{"initial_acl":{"rules":[{"user":"","decision":"allow"}]}}', /initial_acl\.rules\.0\.user/],
  ['{"initial_acl":{"rules":[{"user":"a\\u0000","decision":"allow"}]}}', /initial_acl\.rules\.0\.user .*NUL/],
  ['{"initial_acl":{"rules":[{"user":"\\ud800","decision":"allow"}]}}', /initial_acl\.rules\.0\.user .*surrogates/],
  ['{"initial_acl":{"rules":[{"user":"ann"}]}}', /initial_acl\.rules\.0\.decision/],
])('%s is refused', (text, message) => {
  expect(() => parseLifecycle(text)).toThrow(expect.objectContaining({ kind: 'input', type: 'bad_request' }));
  expect(() => parseLifecycle(text)).toThrow(message);
});
