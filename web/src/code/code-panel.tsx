import { useSignal } from '@preact/signals';
import { languages, snippet } from '../../../src/contract/documents/snippets.ts';
import { payload } from '../form/form-state.ts';
import { apiKey, server } from '../server/connection.ts';
import { endpoint } from '../server/endpoints.ts';
import { CopyButton } from './copy-button.tsx';

/** The form as a program, for use elsewhere. */
export function CodePanel() {
  const language = useSignal<(typeof languages)[number]>('cURL');
  const id = endpoint.value?.id;
  if (id === undefined) return null;
  const complete = { prompt: '', audio_url: '', ...payload.value };
  const text = snippet(language.value, complete, { server, endpoint: id, isKeyRequired: apiKey.value !== '' });
  return (
    <details class="card code">
      <summary>Use it from code</summary>
      <div class="code-bar">
        <fieldset class="segments">
          <legend class="hidden">Language</legend>
          {languages.map((name) => (
            <label key={name}>
              <input
                type="radio"
                name="language"
                checked={language.value === name}
                onChange={() => {
                  language.value = name;
                }}
              />
              <span>{name}</span>
            </label>
          ))}
        </fieldset>
        <CopyButton text={text} label="Copy code" />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section class="scroller" tabIndex={0} aria-label={`Request in ${language.value}`}>
        <pre>{text}</pre>
      </section>
    </details>
  );
}
