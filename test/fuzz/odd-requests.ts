import fc, { type Arbitrary } from 'fast-check';
import type { WrittenRequest } from './send.ts';

/** What a server has that can be asked about: values for placeholders in routes (`{id}`) and for parameters, by name. */
export type Known = Readonly<Record<'{id}' | '{erased}' | '{file}' | '{upload}' | 'token' | 'url', readonly string[]>>;

const endpoint = 'fal-ai/ltx-2-19b/distilled/audio-to-video/lora';
const request = '/queue/fal-ai/ltx-2-19b/requests/{id}';

/** Every route, with the query it reads; `{}` stands for any text. */
const routes = [
  `POST /run/${endpoint}`,
  `POST /run/${endpoint}/stream`,
  'POST /run/{}/{}',
  `POST /queue/${endpoint}?fal_webhook&fal_max_queue_length`,
  `GET ${request}`,
  `GET ${request}/{}`,
  `GET ${request}/status?logs`,
  `GET ${request}/status/stream?logs`,
  `GET ${request}/progress`,
  `GET ${request}/progress/stream`,
  `GET ${request}/response`,
  `PUT ${request}/cancel`,
  'POST /rest/tokens',
  'POST /rest/tokens/{}',
  'POST /rest/storage/upload/initiate?storage_type',
  'POST /rest/storage/upload/initiate-multipart?storage_type',
  'POST /rest/storage/upload/complete-multipart?storage_type',
  'POST /rest/storage/auth/token?storage_type',
  'PUT /rest/requests/delete_io/{erased}',
  'GET /rest/.well-known/jwks.json',
  'POST /cdn/files/upload',
  'POST /cdn/files/upload/multipart',
  'PUT /cdn/files/upload/{upload}?token',
  'PUT /cdn/files/upload/{upload}/{number}?token',
  'POST /cdn/files/upload/{upload}/complete?token',
  'GET /cdn{file}?identity',
  'GET /cdn/files/b/{}/{}?identity',
  'POST /cdn{file}/sign',
  'PUT /cdn{file}/multipart/{}/{number}',
  'POST /cdn{file}/multipart/{}/complete',
  'GET /v1/models?q&category&status&endpoint_id&expand',
  'GET /v1/models/pricing?endpoint_id',
  'POST /v1/models/pricing/estimate',
  'GET /v1/models/usage?start&end&timeframe&tags&endpoint_id&expand',
  'GET /v1/models/requests/by-endpoint?endpoint_id&request_id&start&end&status&cursor&limit&expand',
  'DELETE /v1/models/requests/{erased}/payloads',
  'GET /v1/storage/files/acl?url',
  'PUT /v1/storage/files/acl?url',
  'POST /v1/storage/files/sign?url',
  'GET /v1/storage/settings',
  'GET /v1/meta',
  'GET /v1/{}',
  `GET /models/${endpoint}/llms.txt`,
  'GET /api/openapi/queue/openapi.json?endpoint_id',
  'POST /fal/proxy',
  'GET /assets/{}',
  'GET /health',
  'GET /ready',
  'GET /metrics',
  'GET /input-schema',
  'GET /installation',
  'GET /{}',
] as const;

/** What is taken as the value of a parameter or header. */
const taken: Readonly<Record<string, readonly string[]>> = {
  '{number}': ['1', '0', '10001', '99999999999999999999'],
  endpoint_id: [endpoint],
  start: ['2026-03-04', '1970-01-01T00:00:00Z'],
  end: ['9999-12-31T23:59:59.999Z'],
  request_id: ['01a20351-8294-7390-af0b-30f4fc2d971f'],
  status: ['success', 'error', 'active'],
  timeframe: ['minute', 'month'],
  tags: ['team=film', 'team='],
  expand: ['payloads', 'time_series,summary,auth_method', 'openapi-3.0'],
  cursor: ['1', '9007199254740991'],
  limit: ['1', '100'],
  q: ['ltx', 'audio video'],
  logs: ['1'],
  fal_webhook: ['http://127.0.0.1:1/'],
  fal_max_queue_length: ['0', '999999999'],
  range: ['bytes=0-', 'bytes=-1', 'bytes=9-1,2-'],
  'content-encoding': ['gzip', 'br', 'identity'],
  'content-type': ['application/json', 'audio/wav', 'image/png; a=b, text/html'],
  'if-none-match': ['*', 'W/"a"'],
  'if-modified-since': ['Sun, 06 Nov 1994 08:49:37 GMT'],
  'if-range': ['"a"'],
  authorization: ['Key a:b', 'Bearer e30.e30.e30'],
  'x-fal-file-name': ['a b.wav', '../../etc/passwd'],
  'x-fal-object-lifecycle': [
    '{"expiration_duration_seconds":1e-300}',
    '{"initial_acl":{"default":"allow","rules":[{"user":"a\\u0000\\ud800","decision":"hide"}]}}',
  ],
  'x-fal-queue-priority': ['low'],
  'x-fal-request-timeout': ['1e308', '0.2'],
  'x-fal-retry-config': ['{"server_error":{"retries":1e308}}'],
  'x-fal-store-io': ['0'],
  'x-fal-tags': ['a=b,c=d'],
  'x-fal-target-url': ['https://queue.fal.run/', `https://fal.run/${endpoint}`, 'https://api.fal.ai/v1/models?q=%00'],
  'x-forwarded-host': ['example.com', 'a b'],
  'x-forwarded-proto': ['https'],
};

const headerNames = Object.keys(taken).filter(
  (name) => name.includes('-') || ['range', 'authorization'].includes(name),
);

const bodyPatterns = [
  '{"content_type":"{}","file_name":"{}"}',
  '{"parts":[{"partNumber":1,"etag":"{}"}]}',
  '{"parts":[{"partNumber":-1e15,"etag":"{}"}],"upload_url":"{}"}',
  '{"allowed_apps":["{}"],"token_expiration":1e-300}',
  '{"allowed_apps":["{}"],"duration":"{}"}',
  '{"default":"hide","rules":[{"user":"{}","decision":"allow"}]}',
  '{"duration":1e-300,"expiration_seconds":1}',
  `{"estimate_type":"unit_price","endpoints":{"${endpoint}":{"unit_quantity":1e12}}}`,
  `{"estimate_type":"historical_api_price","endpoints":{"${endpoint}":{"call_quantity":1e-300},"__proto__":"{}"}}`,
];

/** What is taken hardly anywhere. */
const odd = [
  ...['', ' ', '0', '-1', '1e400', 'NaN', '1.5', '9007199254740993', '99999999999999999999', 'null', '{}', '[]', '"'],
  ...['{"__proto__":1}', '__proto__=1', '2026-99-99T99:99:99Z', '0000-00-00', '\u202e💥', 'a'.repeat(3000)],
  ...['http://[::1', 'file:///etc/passwd', '//', '..', '../../etc/passwd', '%2e%2e%2f', '%'],
];
/** What is a character in JavaScript, but in no database. */
const unstorable = ['\0', '\ud800', '\udfff'];

export function oddRequests(known: Known): Arbitrary<WrittenRequest> {
  const text = fc.oneof(
    fc.constantFrom(...odd),
    fc.constantFrom(...unstorable).map((character) => `a${character}=${character}`),
    fc.string({ unit: 'binary', maxLength: 40 }),
  );
  const values: Readonly<Record<string, readonly string[]>> = { ...taken, ...known };
  // Mostly right, because one refused value hides what comes of the others.
  const valuesOf = (name: string): Arbitrary<string> => {
    const right = values[name];
    return right === undefined ? text : fc.oneof({ arbitrary: fc.constantFrom(...right), weight: 4 }, text);
  };
  const filled = (pattern: string): Arbitrary<string> => {
    const parts = pattern.split(/(\{\w*\})/);
    const texts = parts.map((part) => (part.startsWith('{') ? valuesOf(part).map(encodedPath) : fc.constant(part)));
    return fc.tuple(...texts).map((each) => each.join(''));
  };
  const queryOf = (names: readonly string[]): Arbitrary<string> => {
    const pairs = names.map((name) =>
      fc.option(
        valuesOf(name).map((value) => `${name}=${encoded(value)}`),
        { freq: 2 },
      ),
    );
    return fc.tuple(...pairs).map((each) => each.filter((pair) => pair !== null).join('&'));
  };
  const headers = fc
    .constantFrom(...headerNames)
    .chain((name) => valuesOf(name).map((value) => [name, latin1(value)] as const));
  const otherMethods = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH');
  return fc.constantFrom(...routes).chain((route) => {
    const [method = '', target = ''] = route.split(' ');
    const [pattern = '', names = ''] = target.split('?');
    return fc.record({
      method: fc.oneof({ arbitrary: fc.constant(method), weight: 4 }, otherMethods),
      path: fc.tuple(filled(pattern), queryOf(names.split('&'))).map(([path, query]) => `${path}?${query}`),
      headers: fc.array(headers, { maxLength: 3 }).map((pairs) => Object.fromEntries(pairs)),
      body: fc.option(bodies(text), { nil: undefined }),
    });
  });
}

/** Bodies of the calls that are not for clips, and what is none. */
function bodies(text: Arbitrary<string>): Arbitrary<string> {
  const described = fc
    .tuple(fc.constantFrom(...bodyPatterns), fc.array(text, { minLength: 2, maxLength: 2 }))
    .map(([pattern, texts]) => pattern.replaceAll('"{}"', () => JSON.stringify(texts.pop())));
  return fc.oneof({ arbitrary: described, weight: 3 }, fc.json(), fc.string({ unit: 'binary' }));
}

/** A file's path has slashes that are to stay. */
function encodedPath(text: string): string {
  return encoded(text).replaceAll('%2F', '/');
}

/** Half a pair has no encoding, so it is written in the three bytes that it would have. */
function encoded(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : '%ed%a0%80';
}

/** UTF-8 as it arrives in a header, without what cannot be in one. */
function latin1(text: string): string {
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '');
}
