// The inputs of the library (src/library/clip-input.ts) in TypeScript, made from their schemas.

import { audioToVideoLora } from '../src/contract/endpoints/audio-to-video-lora.ts';
import { servedFilm } from '../src/contract/film/read-film.ts';
import { resolved, type ServedSchema } from '../src/contract/json-schema.ts';

const named = { ...audioToVideoLora.servedInput.named, ...servedFilm.named };
const lineWidth = 120;

const loraPath = 'Path or URL of a file, a hub repository, or the name of a LoRA that comes with the model.';
/** Where files on this machine may be meant. Empty: a field that only callers from afar have a use for. */
const ownDescriptions: Readonly<Record<string, string>> = {
  audio_url: 'Path or URL of the recording that drives the clip: any common sound or video file.',
  image_url: 'Path or URL of a picture to use as the first frame.',
  end_image_url: 'Path or URL of a picture to use as the last frame.',
  'loras.path': loraPath,
  anchor_url: 'Path or URL of a picture that every part is shown, so that who and what is in the film stays the same.',
  'parts.image_url': 'Path or URL of a picture to use as the first frame of a new scene.',
  'parts.loras.path': loraPath,
  sync_mode: '',
};

export function clipInputText(): string {
  return `// Made from the schemas of the inputs by scripts/write-clip-input.ts.

/** What a clip should be: the input of the endpoint, in which files may be named by their paths too. */
export interface ClipInput {
${fields(audioToVideoLora.servedInput.root, [], '  ')}
}

/** What a film should be. With \`parts\` it is a score, in which everything is decided. */
export interface FilmInput {
${fields(servedFilm.root, [], '  ')}
}
`;
}

function fields({ properties = {}, required = [] }: ServedSchema, path: readonly string[], indent: string): string {
  return Object.entries(properties)
    .flatMap(([name, schema]) => {
      const at = [...path, name];
      const description = ownDescriptions[at.join('.')] ?? schema.description ?? schema.title ?? '';
      if (description === '') return [];
      // An empty list need not be said.
      const isRequired =
        (required.includes(name) || at.slice(-2).join('.') === 'loras.path') && at.join('.') !== 'loras';
      const type = typeOf(schema, at, indent);
      const member = `${indent}readonly ${name}${isRequired ? `: ${type}` : `?: ${type} | undefined`};`;
      return [comment(`${description} ${accepted(schema)}`.trim(), indent), member];
    })
    .join('\n');
}

function accepted(schema: ServedSchema): string {
  const { type, default: value, minimum, maximum } = resolved(schema, named);
  const kind = type === 'integer' ? 'A whole number' : 'A number';
  const range = minimum === undefined || maximum === undefined ? '' : `${kind} from ${minimum} to ${maximum}.`;
  const isShort = value !== undefined && String(value).length < 60;
  return `${range}${isShort ? ` Default ${typeof value === 'string' ? `\`${value}\`` : value}.` : ''}`.trim();
}

function typeOf(schema: ServedSchema, path: readonly string[], indent: string): string {
  const { type, enum: choices, anyOf, items, ...rest } = resolved(schema, named);
  if (anyOf !== undefined) return anyOf.map((each) => typeOf(each, path, indent)).join(' | ');
  if (choices !== undefined) return choices.map((each) => `'${each}'`).join(' | ');
  if (type === 'array' && items !== undefined) return `readonly ${typeOf(items, path, indent)}[]`;
  if (rest.properties !== undefined) return `{\n${fields(rest, path, `${indent}  `)}\n${indent}}`;
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'string' || type === 'boolean') return type;
  throw new Error(`${path.join('.')} has a type that nothing is known about`);
}

/** In lines that are not too long. */
function comment(text: string, indent: string): string {
  const whole = `${indent}/** ${text} */`;
  if (whole.length <= lineWidth) return whole;
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = `${lines.at(-1)} ${word}`;
    if (indent.length + 2 + line.length > lineWidth) lines.push(` ${word}`);
    else lines.splice(-1, 1, line);
  }
  return [`${indent}/**`, ...lines.map((line) => `${indent} *${line}`), `${indent} */`].join('\n');
}
