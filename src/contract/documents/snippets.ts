import type { Example } from './llms-examples.ts';

export const languages = ['cURL', 'Python', 'JavaScript', 'JSON'] as const;
export type Language = (typeof languages)[number];

export interface SnippetTarget {
  /** Address of the server, with a slash at the end. */
  readonly server: string;
  /** Id of the endpoint. */
  readonly endpoint: string;
  /** Whether callers need a key of their own. */
  readonly isKeyRequired: boolean;
}

/** How each language names the caller's key. */
export const keyExpressions = Object.freeze({
  cURL: '$FAL_KEY',
  Python: 'os.environ["FAL_KEY"]',
  JavaScript: 'process.env.FAL_KEY',
});

/** A text that stands for an upload until the program is written out. */
const uploadMark = 'what is uploaded';

export interface UploadedFile {
  /** The input's field that is given its address. */
  readonly field: string;
  /** Beside the program. */
  readonly name: string;
  readonly contentType: string;
}

/** A program that makes the same request of the same endpoint. */
export function snippet(language: Language, input: Example, target: SnippetTarget): string {
  switch (language) {
    case 'cURL':
      return curl(input, target);
    case 'Python':
      return python(input, target);
    case 'JavaScript':
      return javaScript(input, target);
    case 'JSON':
      return JSON.stringify(input, null, 2);
  }
}

/** The same with a file from the caller's own machine, which the program uploads first. */
export function uploadingSnippet(
  language: keyof typeof keyExpressions,
  { field, name, contentType }: UploadedFile,
  input: Example,
  target: SnippetTarget,
): string {
  const program = snippet(language, { ...input, [field]: uploadMark }, target);
  const written = JSON.stringify(uploadMark);
  switch (language) {
    case 'cURL': {
      const key = target.isKeyRequired ? ` \\\n  --header "Authorization: Key ${keyExpressions.cURL}"` : '';
      const upload = `file=$(curl --silent --show-error --fail-with-body ${target.server}cdn/files/upload${key} \\
  --header "Content-Type: ${contentType}" \\
  --data-binary @${name} | sed 's/.*"access_url" *: *"\\([^"]*\\)".*/\\1/')`;
      return `${upload}\n\n${program.replace(written, () => `"'"$file"'"`)}`;
    }
    case 'Python':
      return program.replace(written, () => `fal.upload_file(${JSON.stringify(name)})`);
    case 'JavaScript': {
      const file = `new Blob([await readFile(${JSON.stringify(name)})], { type: ${JSON.stringify(contentType)} })`;
      return program
        .replace('import { fal }', 'import { readFile } from "node:fs/promises";\nimport { fal }')
        .replace(written, () => file);
    }
  }
}

function curl(input: Example, { server, endpoint, isKeyRequired }: SnippetTarget): string {
  const body = JSON.stringify(input, null, 2).replaceAll("'", `'\\''`);
  const key = isKeyRequired ? ` \\\n  --header "Authorization: Key ${keyExpressions.cURL}"` : '';
  return `curl --request POST \\
  --url ${server}run/${endpoint}${key} \\
  --header "Content-Type: application/json" \\
  --data '${body}'`;
}

function python(input: Example, { server, endpoint, isKeyRequired }: SnippetTarget): string {
  const key = isKeyRequired ? keyExpressions.Python : '"local:local"';
  return `# pip install fal-client
import os
import fal_client
import fal_client.client as client

client.RUN_URL_FORMAT = "${server}run/"
client.QUEUE_URL_FORMAT = "${server}queue/"
client.REST_URL = "${server}rest"
client.CDN_URL = "${server}cdn"
# Where versions 0.13 and 0.14 upload when the first try fails.
client.FAL_CDN_FALLBACK_URL = "${server}cdn"

fal = fal_client.SyncClient(key=${key})
result = fal.subscribe(
    "${endpoint}",
    arguments=${pythonLiteral(input, 4)},
    with_logs=True,
    on_queue_update=lambda update: print(type(update).__name__),
)
print(result["video"]["url"])`.replace(isKeyRequired ? '' : 'import os\n', '');
}

function javaScript(input: Example, { server, endpoint, isKeyRequired }: SnippetTarget): string {
  const key = isKeyRequired ? keyExpressions.JavaScript : '"local:local"';
  const body = JSON.stringify(input, null, 2).replaceAll('\n', '\n  ');
  return `// npm install @fal-ai/client
// 1.10 or newer: older versions ignore proxyUrl outside browsers and send everything to the hosted service.
import { fal } from "@fal-ai/client";

fal.config({
  credentials: ${key},
  proxyUrl: { url: "${server}fal/proxy", when: "always" },
});

const { data } = await fal.subscribe("${endpoint}", {
  input: ${body},
  logs: true,
  onQueueUpdate: (update) => console.log(update.status),
});
console.log(data.video.url);`;
}

/** JSON and Python differ in three words, which must not be touched within texts. */
function pythonLiteral(value: unknown, indent: number): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value !== 'object') return JSON.stringify(value);
  const inner = ' '.repeat(indent + 4);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  const items = Object.entries(value).map(
    ([key, item]) =>
      `${inner}${Array.isArray(value) ? '' : `${JSON.stringify(key)}: `}${pythonLiteral(item, indent + 4)},`,
  );
  return items.length === 0 ? `${open}${close}` : `${open}\n${items.join('\n')}\n${' '.repeat(indent)}${close}`;
}
