import { resolved, type SchemaSet, type ServedSchema } from '../json-schema.ts';

type Path = readonly (string | number)[];

/** Fields the engine names otherwise, because it is given files and not addresses. */
const engineFields: ReadonlyMap<string, string> = new Map([
  ['audio', 'audio_url'],
  ['image', 'image_url'],
  ['end_image', 'end_image_url'],
]);

/** Where in a request a field is, e.g. `loras.0.path`; undefined if its endpoint has no such field. */
export function pathOfField(field: string, served: SchemaSet<ServedSchema>): Path | undefined {
  const path = (engineFields.get(field) ?? field).split('.').map((key) => (/^\d+$/.test(key) ? Number(key) : key));
  return isOfRequest(path, served) ? path : undefined;
}

function isOfRequest(path: Path, { root, named }: SchemaSet<ServedSchema>): boolean {
  let schema = root;
  for (const key of path) {
    const shapes = schema.anyOf ?? [schema];
    const inner = shapes
      .map((shape) => resolved(shape, named))
      .map(({ items, properties }) => (typeof key === 'number' ? items : ownProperty(properties, key)))
      .find((found) => found !== undefined);
    if (inner === undefined) return false;
    schema = resolved(inner, named);
  }
  return true;
}

function ownProperty<Value>(record: Readonly<Record<string, Value>> | undefined, key: string): Value | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}
