import fc, { type Arbitrary } from 'fast-check';
import { audioToVideoLora } from '../../src/contract/endpoints/audio-to-video-lora.ts';
import type { ServedSchema } from '../../src/contract/json-schema.ts';
import { listOf, objects, type Sample, wrong } from './sample.ts';
import { alternatives, rangeOf, validFields, validValues, wellFormedTexts } from './valid-bodies.ts';

/** Bodies that have something wrong in a few places, which they name; all else about them is right. */
export function brokenBodies(): Arbitrary<Sample> {
  const { root } = audioToVideoLora.servedInput;
  return fc.oneof({ arbitrary: brokenObjects(root), weight: 50 }, noneOf(root));
}

function brokenObjects(schema: ServedSchema): Arbitrary<Sample> {
  const { properties = {}, required = [] } = schema;
  const missing = fc.constant(wrong(undefined));
  const names = fc.uniqueArray(fc.constantFrom(...Object.keys(properties)), { minLength: 1, maxLength: 3 });
  return names.chain((chosen) =>
    objects(schema, (name, property) => {
      if (!chosen.includes(name)) return validFields(schema, name, property);
      const broken = brokenValues(property);
      return required.includes(name) ? fc.oneof({ arbitrary: broken, weight: 4 }, missing) : broken;
    }),
  );
}

function brokenValues(schema: ServedSchema): Arbitrary<Sample> {
  return fc.oneof(noneOf(schema), ...alternatives(schema).flatMap(brokenInside));
}

/** What has the right shape, and something wrong further inside, or too much of it. */
function brokenInside(shape: ServedSchema): readonly Arbitrary<Sample>[] {
  if (shape.type === 'object') return [brokenObjects(shape)];
  const { items, maxItems } = shape;
  if (items === undefined || maxItems === undefined) return [];
  const valid = validValues(items);
  return [
    fc
      .tuple(fc.array(valid, { maxLength: maxItems - 1 }), brokenValues(items))
      .map(([list, item]) => listOf([...list, item])),
    fc.array(valid, { minLength: maxItems + 1, maxLength: 2 * maxItems }).map((list) => wrong(listOf(list).given)),
  ];
}

/** Values that a schema takes in none of its shapes. */
function noneOf(schema: ServedSchema): Arbitrary<Sample> {
  const shapes = alternatives(schema);
  const foreign = [...kinds.keys()].filter((kind) => !shapes.some((shape) => readsAs(shape).includes(kind)));
  return fc
    .oneof(...foreign.flatMap((kind) => kinds.get(kind) ?? []), ...shapes.flatMap(nearMisses))
    .filter((given) => given !== null || schema.nullable !== true)
    .map((given) => wrong(given));
}

type Kind = 'null' | 'boolean' | 'number' | 'text' | 'list' | 'object';

const anything = fc.jsonValue({ maxDepth: 3 });
const deep = JSON.parse(`${'[{"a":'.repeat(1000)}0${'}]'.repeat(1000)}`);
const kinds: ReadonlyMap<Kind, Arbitrary<unknown>> = new Map<Kind, Arbitrary<unknown>>([
  ['null', fc.constant(null)],
  ['boolean', fc.boolean()],
  ['number', fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))],
  ['text', fc.string({ unit: 'binary' })],
  ['list', fc.oneof(fc.array(anything), fc.constantFrom([], deep))],
  ['object', fc.oneof(fc.dictionary(fc.string(), anything), fc.constantFrom({}, { a: deep }))],
]);

/** The kinds of JSON values that may be read as values of a shape. */
function readsAs({ type }: ServedSchema): readonly Kind[] {
  switch (type) {
    case 'object':
      return ['object'];
    case 'array':
      return ['list'];
    case 'string':
      return ['text'];
    default:
      return ['boolean', 'number', 'text'];
  }
}

/** Values of a kind that may be read as the shape, but are not what it takes. */
function nearMisses(shape: ServedSchema): readonly Arbitrary<unknown>[] {
  if (shape.enum !== undefined) return [textsOtherThan(shape.enum)];
  switch (shape.type) {
    case 'string':
      return brokenTexts(shape);
    case 'boolean':
      return [fc.constantFrom(2, -1, 0.5, 1e300, '', ' ', ' true', '2', 'maybe', 'null', 'true\0')];
    case 'integer':
      return [outside(shape).map(Math.trunc).filter(isOutside(shape)), fractions(shape), ...noNumbers];
    case 'number':
      return [outside(shape), ...noNumbers];
    default:
      return [];
  }
}

function textsOtherThan(names: readonly string[]): Arbitrary<string> {
  const [name = ''] = names;
  const close = [` ${name}`, name.toUpperCase(), `${name}\0`, '', '__proto__', 'constructor', 'x'.repeat(100_000)];
  return fc.oneof(fc.constantFrom(...close), fc.string()).filter((text) => !names.includes(text));
}

function brokenTexts({ minLength = 0, maxLength }: ServedSchema): readonly Arbitrary<string>[] {
  const broken = fc.constantFrom('\0', '\ud800', '\udc00', 'a\ude00\ud83d');
  return [
    fc.tuple(wellFormedTexts(20), broken, wellFormedTexts(20)).map((parts) => `a${parts.join('')}z`),
    ...(minLength > 0 ? [fc.constantFrom('', ' ', '\n\t', '\u00a0\ufeff')] : []),
    ...(maxLength === undefined ? [] : [fc.constantFrom(...['x', '🎬'].map((letter) => letter.repeat(maxLength + 1)))]),
  ];
}

const noNumbers = [
  fc.constantFrom('', ' ', 'abc', '0x10', '1e', '1__0', '1 0', '--1', 'NaN', 'Infinity', '-inf', 'true', '1\0', '１'),
  fc.string().filter((text) => text.trim() !== '' && Number.isNaN(Number(text.replaceAll('_', '')))),
];

function outside(shape: ServedSchema): Arbitrary<number> {
  const { min, max } = rangeOf(shape);
  return fc
    .oneof(
      fc.double({ max: min, noNaN: true, noDefaultInfinity: true }),
      fc.double({ min: max, noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(min - 1, max + 1, -Number.MAX_VALUE, Number.MAX_VALUE, 2 ** 53, 2 ** 63, 2 ** 64),
    )
    .filter(isOutside(shape));
}

function isOutside(shape: ServedSchema): (value: number) => boolean {
  const { min, max } = rangeOf(shape);
  return (value) => value < min || value > max;
}

function fractions(shape: ServedSchema): Arbitrary<unknown> {
  const { min, max } = rangeOf(shape);
  return fc.integer({ min, max: max - 1 }).chain((value) => fc.constantFrom(value + 0.5, `${value}.5`, `${value}e0`));
}
