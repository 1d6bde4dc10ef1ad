import { html } from 'hono/html';
import type { ErrorView } from '../../../contract/documents/error-list.ts';
import type { Html } from '../layout/document-page.ts';

/** Errors by type; each has an anchor, e.g. `#error-one_of`. */
export function errorTable(label: string, errors: readonly ErrorView[]): Html {
  return html`<div class="scroller" tabindex="0" role="region" aria-label="${label}"><table>
<thead><tr><th>Type</th><th>Status</th><th>Try again?</th><th>In <code>ctx</code></th><th>Meaning</th></tr></thead>
<tbody>${errors.map(row)}</tbody>
</table></div>`;
}

function row({ type, status, retryable, parameters, meaning }: ErrorView): Html {
  return html`<tr id="error-${type}"><td><code>${type}</code></td><td>${status}</td><td>${retryable ? 'yes' : 'no'}</td><td>${parameters.map((name, index) => html`${index === 0 ? '' : ', '}<code>${name}</code>`)}</td><td>${meaning}</td></tr>
`;
}
