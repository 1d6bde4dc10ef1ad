import { html } from 'hono/html';
import { exampleOf } from '../../../contract/documents/llms-examples.ts';
import { keyExpressions, type SnippetTarget, uploadingSnippet } from '../../../contract/documents/snippets.ts';
import type { Endpoint } from '../../../contract/endpoint.ts';
import { keyStorageName } from '../../../contract/key-storage.ts';
import type { Html } from '../layout/document-page.ts';

const languages = ['cURL', 'JavaScript', 'Python'] as const;
type Language = (typeof languages)[number];

const recording = Object.freeze({ field: 'audio_url', name: 'recording.wav', contentType: 'audio/wav' });

/** The same request in every language, by programs that run as they are. */
export function programs(endpoint: Endpoint, target: Omit<SnippetTarget, 'endpoint'>): Html {
  const input = {
    ...exampleOf(endpoint.input, 'required'),
    ...(endpoint.input.root.properties?.loras && { loras: [] }),
  };
  return html`<p class="own-key" hidden><label><input type="checkbox" checked> with your key, which this browser keeps and the page never sends</label></p>
${languages.map((language) => {
  const text = uploadingSnippet(language, recording, input, { ...target, endpoint: endpoint.id });
  return html`<h3 id="call-${language.toLowerCase()}">${language}</h3>
<div class="program"><pre tabindex="0" role="region" aria-label="Program in ${language}">${withKeys(text, language)}</pre></div>
`;
})}`;
}

/** Marks where a key goes, so that the visitor's own can be put there, in the visitor's browser. */
function withKeys(text: string, language: Language): Html {
  const expression = keyExpressions[language];
  const form = language === 'cURL' ? 'plain' : 'quoted';
  return html`${text.split(expression).map((part, index) => html`${index === 0 ? '' : html`<span data-key="${form}">${expression}</span>`}${part}`)}`;
}

/** What the page does when it is there: buttons that copy, and the visitor's key in place of the variable. */
export const programsScript = `
for (const program of document.querySelectorAll('.program')) {
  if (navigator.clipboard === undefined) break;
  const button = document.createElement('button');
  button.textContent = 'Copy';
  button.setAttribute('aria-label', 'Copy: ' + program.querySelector('pre').getAttribute('aria-label'));
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(program.querySelector('pre').textContent);
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });
  program.append(button);
}
const key = localStorage.getItem(${JSON.stringify(keyStorageName)});
const places = [...document.querySelectorAll('[data-key]')].map((place) => ({ place, variable: place.textContent }));
if (key && places.length > 0) {
  const choice = document.querySelector('.own-key');
  const box = choice.querySelector('input');
  const show = () => {
    for (const { place, variable } of places) {
      const own = place.dataset.key === 'quoted' ? JSON.stringify(key) : key;
      place.textContent = box.checked ? own : variable;
    }
  };
  box.addEventListener('change', show);
  choice.hidden = false;
  show();
}
`;
