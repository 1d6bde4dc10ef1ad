import fc, { type Arbitrary } from 'fast-check';
import type { ServedSchema } from '../../src/contract/json-schema.ts';

export type Path = readonly (string | number)[];

/** A value as a caller may write it. */
export interface Sample {
  /** Undefined: left out. */
  readonly given: unknown;
  /** What the server has to make of it, where nothing is wrong with it; undefined: nothing. */
  readonly read: unknown;
  /** Where, within it, the server has to find something wrong. */
  readonly wrong: readonly Path[];
}

export function right(given: unknown, read = given): Sample {
  return { given, read, wrong: [] };
}

export function wrong(given: unknown): Sample {
  return { given, read: undefined, wrong: [[]] };
}

export function listOf(items: readonly Sample[]): Sample {
  return {
    given: items.map(({ given }) => given),
    read: items.map(({ read }) => read),
    wrong: items.flatMap((item, index) => item.wrong.map((path) => [index, ...path])),
  };
}

/** Objects of the schema with a sample for every field, in any order, and fields that nobody knows. */
export function objects(
  { properties = {} }: ServedSchema,
  valuesOf: (name: string, property: ServedSchema) => Arbitrary<Sample>,
): Arbitrary<Sample> {
  const fields = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, valuesOf(name, property)])),
  );
  const unknownName = fc.oneof(fc.constantFrom(...oddNames), fc.string({ unit: 'binary' }));
  const unknown = fc.array(fc.tuple(unknownName, fc.jsonValue({ maxDepth: 2 })), { maxLength: 2 });
  return fc.tuple(fields, unknown, fc.boolean()).map(([samples, others, reversed]) => {
    const given = Object.entries(samples).map(([name, sample]): [string, unknown] => [name, sample.given]);
    const extra = others.filter(([name]) => !Object.hasOwn(samples, name));
    return {
      given: presentOf(reversed ? [...given, ...extra].reverse() : [...extra, ...given]),
      read: presentOf(Object.entries(samples).map(([name, { read }]) => [name, read])),
      wrong: Object.entries(samples).flatMap(([name, sample]) => sample.wrong.map((path) => [name, ...path])),
    };
  });
}

/** What JavaScript, databases and those who split paths have their own ideas about. */
const oddNames = ['__proto__', 'constructor', 'prototype', 'toString', '', '\0', '\ud800', 'loras.0.path', '0', 'body'];

function presentOf(fields: readonly (readonly [string, unknown])[]): object {
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}
