import { html } from 'hono/html';
import type { FieldView } from '../../../contract/documents/field-views.ts';
import type { Html } from '../layout/document-page.ts';

/** Defaults longer than this get a line of their own. */
const shortDefault = 60;

/** Every field with what is known about it; each has an anchor, e.g. `#input-loras-scale`. */
export function fieldList(prefix: string, fields: readonly FieldView[]): Html {
  return html`${fields.map((field) => fieldEntry(prefix, field, 3))}`;
}

/** Links to the fields. */
export function fieldIndex(prefix: string, fields: readonly FieldView[]): Html {
  return html`<ul>${fields.map(({ name }) => html`<li><a href="#${prefix}-${name}">${name}</a></li>`)}</ul>`;
}

function fieldEntry(prefix: string, field: FieldView, level: 3 | 4): Html {
  const { name, description, choices, examples, fields, default: value } = field;
  const anchor = `${prefix}-${name}`;
  const heading = html`<code>${name}</code><a class="anchor" href="#${anchor}" aria-label="Link to ${name}">#</a>`;
  const isLong = value !== undefined && value.length > shortDefault;
  return html`${level === 3 ? html`<h3 id="${anchor}">${heading}</h3>` : html`<h4 id="${anchor}">${heading}</h4>`}
<p class="facts">${facts(field, isLong)}</p>
${description === '' ? '' : html`<p>${description}</p>`}
${choices.length === 0 ? '' : html`<p>One of ${choices.map((choice, index) => html`${index === 0 ? '' : ', '}<code>${choice}</code>`)}</p>`}
${isLong ? html`<p>Default: <code>${value}</code></p>` : ''}
${examples.length === 0 ? '' : html`<p>For example <code>${examples.join(', ')}</code></p>`}
${fields.length === 0 ? '' : html`<div class="inner">${fields.map((inner) => fieldEntry(anchor, inner, 4))}</div>`}
`;
}

function facts({ type, isRequired, range, default: value }: FieldView, isLong: boolean): Html {
  return html`<span><b>${type}</b></span>
<span>${isRequired ? html`<b>required</b>` : 'optional'}</span>
${range === undefined ? '' : html`<span>range <b>${range}</b></span>`}
${value === undefined || isLong ? '' : html`<span>default <b>${value}</b></span>`}`;
}
