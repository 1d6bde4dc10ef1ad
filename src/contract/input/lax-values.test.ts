import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { laxScalar } from './lax-values.ts';

interface Recorded {
  readonly kind: 'integer' | 'number' | 'boolean' | 'string';
  readonly given: unknown;
  readonly value?: string | boolean;
  readonly type?: string;
  readonly msg?: string;
}

const fixture = new URL('../../../test/fixtures/endpoint/lax-values.json', import.meta.url);
const recorded = JSON.parse(readFileSync(fixture, 'utf8')) as readonly Recorded[];

test('every value is read, or refused for the same reason, as pydantic does', () => {
  for (const { kind, given, value, type, msg } of recorded) {
    if (kind === 'string') continue;
    const result = laxScalar(kind, given);
    const where = `${kind} from ${JSON.stringify(given).slice(0, 40)}`;
    if (type === 'int_parsing_size' && typeof given === 'number') {
      expect(result, where).toEqual({ ok: true, value: Number.MAX_SAFE_INTEGER });
    } else if (type !== undefined) {
      expect(result, where).toEqual({ ok: false, type, msg });
    } else if (typeof value === 'string' && !Number.isFinite(Number(value))) {
      expect(result, where).toMatchObject({ ok: false, type: 'finite_number' });
    } else {
      expect(result, where).toEqual({ ok: true, value: typeof value === 'string' ? Number(value) : value });
    }
  }
  expect(recorded.length).toBeGreaterThan(250);
});

test('NaN and infinity are refused', () => {
  for (const given of [Number.NaN, Infinity, -Infinity]) {
    expect(laxScalar('number', given)).toMatchObject({ ok: false, type: 'finite_number' });
    expect(laxScalar('integer', given)).toMatchObject({ ok: false, type: 'finite_number' });
  }
});

test('hostile number texts are refused quickly', () => {
  const started = performance.now();
  for (const text of ['1'.repeat(1e6), `${'1_'.repeat(1e6)}x`, `${'1'.repeat(1e6)}e`, `.${'0'.repeat(1e6)}x`]) {
    for (const kind of ['integer', 'number', 'boolean'] as const)
      expect(laxScalar(kind, text)).toMatchObject({ ok: false });
  }
  expect(performance.now() - started).toBeLessThan(2000);
});
