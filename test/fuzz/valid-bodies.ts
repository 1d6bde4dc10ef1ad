import fc, { type Arbitrary } from 'fast-check';
import { audioToVideoLora } from '../../src/contract/endpoints/audio-to-video-lora.ts';
import { resolved, type ServedSchema } from '../../src/contract/json-schema.ts';
import { listOf, objects, right, type Sample } from './sample.ts';

/** Bodies that are valid by the schema, written in every way the hosted endpoint takes. A new field needs no change here. */
export function validBodies(): Arbitrary<Sample> {
  return validObjects(audioToVideoLora.servedInput.root);
}

/** Every field of an object may be there; those that have to be are. */
export function validFields({ required = [] }: ServedSchema, name: string, property: ServedSchema): Arbitrary<Sample> {
  const values = validValues(property);
  if (required.includes(name)) return values;
  return fc.oneof({ withCrossShrink: true }, fc.constant(right(undefined, property.default)), values);
}

/** Values of a field that is there. */
export function validValues(schema: ServedSchema): Arbitrary<Sample> {
  const values = fc.oneof(...alternatives(schema).map(validShape));
  if (schema.nullable !== true) return values;
  return fc.oneof({ arbitrary: values, weight: 4 }, fc.constant({ given: null, read: undefined, wrong: [] }));
}

/** The shapes a value may have. */
export function alternatives(schema: ServedSchema): readonly ServedSchema[] {
  const { anyOf, ...shape } = resolved(schema, audioToVideoLora.servedInput.named);
  return anyOf?.flatMap(alternatives) ?? [shape];
}

function validObjects(schema: ServedSchema): Arbitrary<Sample> {
  return objects(schema, (name, property) => validFields(schema, name, property));
}

function validShape(shape: ServedSchema): Arbitrary<Sample> {
  if (shape.enum !== undefined) return fc.constantFrom(...shape.enum).map((name) => right(name));
  switch (shape.type) {
    case 'object':
      return validObjects(shape);
    case 'array':
      return validLists(shape);
    case 'boolean':
      return fc.boolean().chain((value) => fc.constantFrom(...spellings(value)).map((given) => right(given, value)));
    case 'integer':
      return validIntegers(shape);
    case 'number':
      return validNumbers(shape);
    case 'string':
      return validTexts(shape);
    default:
      throw new Error(`how to make a ${shape.type}?`);
  }
}

function validLists({ items, maxItems }: ServedSchema): Arbitrary<Sample> {
  if (items === undefined || maxItems === undefined) throw new Error('what is in a list is not known, or how much');
  return fc.array(validValues(items), { maxLength: maxItems }).map(listOf);
}

function spellings(value: boolean): readonly unknown[] {
  return value ? [true, 1, '1', 'on', 'T', 'true', 'Yes', 'y'] : [false, 0, '0', 'OFF', 'f', 'False', 'no', 'n'];
}

/** The least and the most that a number may be. */
export function rangeOf({ minimum, maximum }: ServedSchema): { readonly min: number; readonly max: number } {
  if (minimum === undefined || maximum === undefined) throw new Error('a number has no limits');
  return { min: minimum, max: maximum };
}

function validIntegers(shape: ServedSchema): Arbitrary<Sample> {
  return fc
    .integer(rangeOf(shape))
    .chain((value) =>
      fc.constantFrom(...spelledNumber(value), `${value}.0`, `0_${value}`).map((given) => right(given, value)),
    );
}

function validNumbers(shape: ServedSchema): Arbitrary<Sample> {
  return fc
    .double({ ...rangeOf(shape), noNaN: true })
    .map((value) => value + 0)
    .chain((value) =>
      fc.constantFrom(...spelledNumber(value), value.toExponential()).map((given) => right(given, value)),
    );
}

function spelledNumber(value: number): readonly unknown[] {
  const bits = value === 0 || value === 1 ? [value === 1] : [];
  return [value, `${value}`, ` ${value}\n`, value < 0 ? `${value}` : `+${value}`, ...bits];
}

function validTexts({ minLength = 0, maxLength }: ServedSchema): Arbitrary<Sample> {
  const texts = wellFormedTexts(100).filter((text) => [...text].length >= minLength);
  // The longest that a field of limited length takes, in characters of two code units.
  const long = maxLength === undefined ? [] : [fc.constant('🎬'.repeat(maxLength))];
  const spaces = fc.constantFrom('', ' ', '\n\t', '\u00a0');
  return fc
    .tuple(fc.oneof({ arbitrary: texts, weight: 20 }, ...long), spaces, spaces)
    .map(([text, before, after]) => right(`${before}${text}${after}`, text));
}

/** Texts of any characters but NUL, without anything at their ends that would be cut off. */
export function wellFormedTexts(maxLength: number): Arbitrary<string> {
  const inside = fc.string({ unit: 'binary', maxLength }).map((text) => text.replaceAll('\0', ' '));
  return fc.oneof(
    fc.constant(''),
    inside.map((text) => `a${text}z`),
  );
}
