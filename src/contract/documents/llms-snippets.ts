import type { Example } from './llms-examples.ts';

interface Language {
  /** Spaces a level is indented by. */
  readonly step: number;
  readonly key: (name: string) => string;
  readonly scalar: (value: unknown) => string;
}

const python: Language = Object.freeze({
  step: 4,
  key: (name: string) => `${JSON.stringify(name)}: `,
  scalar: (value: unknown) =>
    typeof value === 'boolean' || value === null
      ? { true: 'True', false: 'False', null: 'None' }[String(value) as 'true' | 'false' | 'null']
      : JSON.stringify(value),
});

const javaScript: Language = Object.freeze({
  step: 2,
  key: (name: string) => `${/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)}: `,
  scalar: (value: unknown) => JSON.stringify(value),
});

export function curlSnippet(url: string, request: Example): string {
  const body = JSON.stringify(request, null, 2).replaceAll('\n', '\n   ');
  return `curl --request POST \\
  --url ${url} \\
  --header "Authorization: Key $FAL_KEY" \\
  --header "Content-Type: application/json" \\
  --data '${body}'`;
}

export function pythonSnippet(id: string, request: Example): string {
  return `import fal_client

def on_queue_update(update):
    if isinstance(update, fal_client.InProgress):
        for log in update.logs:
           print(log["message"])

result = fal_client.subscribe(
    "${id}",
    arguments=${literal(request, python, 4)},
    with_logs=True,
    on_queue_update=on_queue_update,
)
print(result)`;
}

export function javaScriptSnippet(id: string, request: Example): string {
  return `import { fal } from "@fal-ai/client";

const result = await fal.subscribe("${id}", {
  input: ${literal(request, javaScript, 2)},
  logs: true,
  onQueueUpdate: (update) => {
    if (update.status === "IN_PROGRESS") {
      update.logs.map((log) => log.message).forEach(console.log);
    }
  },
});
console.log(result.data);
console.log(result.requestId);`;
}

/** A value in a language's spelling; `indent` is that of the line it begins on. */
function literal(value: unknown, language: Language, indent: number): string {
  if (Array.isArray(value)) return `[${value.map((item) => literal(item, language, indent)).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return language.scalar(value);
  const inner = indent + language.step;
  const fields = Object.entries(value).map(
    ([name, item]) => `${' '.repeat(inner)}${language.key(name)}${literal(item, language, inner)}`,
  );
  return fields.length === 0 ? '{}' : `{\n${fields.join(',\n')}\n${' '.repeat(indent)}}`;
}
