import { html } from 'hono/html';
import { modelErrors, requestErrors } from '../../../contract/documents/error-list.ts';
import { fieldViews } from '../../../contract/documents/field-views.ts';
import { exampleOf } from '../../../contract/documents/llms-examples.ts';
import type { Endpoint } from '../../../contract/endpoint.ts';
import type { AppContext } from '../../app-env.ts';
import { documentPage, type Html } from '../layout/document-page.ts';
import { rootFrom } from '../layout/relative-root.ts';
import { errorTable } from './error-table.ts';
import { fieldIndex, fieldList } from './field-list.ts';
import { programs, programsScript } from './programs.ts';

export interface ApiPageOptions {
  readonly endpoint: Endpoint;
  /** Address of this server as its caller names it; ends with a slash. */
  readonly server: string;
  readonly isKeyRequired: boolean;
}

/** The documentation of an endpoint for people, made from its contract. */
export function apiPage(c: AppContext, { endpoint, server, isKeyRequired }: ApiPageOptions): Promise<Response> {
  const { id, displayName, description, group, servedInput, output } = endpoint;
  const root = rootFrom(c);
  const [input, result] = [fieldViews(servedInput), fieldViews(output)];
  const title = `${displayName}: ${group.label}`;
  const body = html`<h1>${title}</h1>
<p>${description}.</p>
<p><code>${id}</code></p>
<p><a href="${root}models/${id}">Playground</a> · <a href="${root}api/openapi/queue/openapi.json?endpoint_id=${id}">OpenAPI</a> · <a href="${root}models/${id}/llms.txt">For language models</a></p>

<h2 id="call">Call it</h2>
<p>${
    isKeyRequired
      ? html`This server asks for a key (<code>soundstage keys create</code> makes one); the programs take it from the environment variable <code>FAL_KEY</code>.`
      : 'This server asks for no key.'
  } Each program uploads <code>recording.wav</code> from the folder that it runs in, and waits for the clip.</p>
${programs(endpoint, { server, isKeyRequired })}

<h2 id="input">Input</h2>
<p>A JSON object. Fields that are not listed are ignored.</p>
${fieldList('input', input)}

<h2 id="output">Output</h2>
${fieldList('output', result)}
${program(JSON.stringify(exampleOf(output, 'all'), null, 2), 'Example of an output')}

<h2 id="queue">Queue</h2>
<p>A submission is answered at once, with the addresses of its request. <code>${server}run/${id}</code> takes the same input and answers when the clip is made.</p>
${routes(endpoint, server)}

<h2 id="webhooks">Webhooks</h2>
<p>With <code>?fal_webhook=&lt;url&gt;</code> on the submission, the result is posted to that address when it is there, signed with a key of <a href="${root}.well-known/jwks.json"><code>${server}.well-known/jwks.json</code></a>. <a href="${root}docs/api#webhooks">More about webhooks</a></p>

<h2 id="uploads">Uploads</h2>
<p>Fields that name files (${list(endpoint.fileFields)}) take an http(s) URL, a data URI, or the address of a file that was uploaded here: <code>POST ${server}cdn/files/upload</code> with the file as the body and its type in <code>Content-Type</code> answers with its <code>access_url</code>. The clients upload what they are given as a <code>Blob</code> or with <code>upload_file</code>. <a href="${root}docs/api">More about clients</a></p>

<h2 id="errors">Errors</h2>
<p>What is wrong with an input is a list in <code>detail</code>, each entry with the place of the field in <code>loc</code>, a <code>type</code>, a sentence in <code>msg</code>, and the type’s parameters in <code>ctx</code>. Fields that are missing or of the wrong type have the types of the validator, such as <code>missing</code> and <code>string_type</code>, with status 422.</p>
${errorTable('Errors of the input and the model', modelErrors)}
<p>What happened to the request as a whole is one sentence in <code>detail</code>, with the type in <code>error_type</code> and in the header <code>X-Fal-Error-Type</code>.</p>
${errorTable('Errors of the request', requestErrors)}
<p>A missing or wrong key is answered with 401, and what a key may not do with 403. <a href="${root}docs/troubleshooting">Messages explained</a></p>`;
  const contents = html`<ul>
<li><a href="#call">Call it</a></li>
<li><a href="#input">Input</a>${fieldIndex('input', input)}</li>
<li><a href="#output">Output</a>${fieldIndex('output', result)}</li>
<li><a href="#queue">Queue</a></li>
<li><a href="#webhooks">Webhooks</a></li>
<li><a href="#uploads">Uploads</a></li>
<li><a href="#errors">Errors</a></li>
</ul>`;
  return documentPage(c, { title: `${title} API`, body, contents, script: programsScript });
}

function program(text: string, label: string): Html {
  return html`<pre tabindex="0" role="region" aria-label="${label}">${text}</pre>`;
}

function routes({ id, app }: Endpoint, server: string): Html {
  const request = `${server}queue/${app}/requests/{request_id}`;
  const rows = [
    ['POST', `${server}queue/${id}`, 'submits an input'],
    ['GET', `${request}/status`, 'says whether it waits, runs or is completed; with ?logs=1 its log as well'],
    ['GET', `${request}/status/stream`, 'the same as server-sent events, until it is completed'],
    ['GET', `${request}/progress`, 'stage, step, seconds left, and a preview of the picture'],
    ['GET', request, 'the output, or the error'],
    ['PUT', `${request}/cancel`, 'cancels it'],
  ];
  return html`<div class="scroller" tabindex="0" role="region" aria-label="Routes of the queue"><table>
<thead><tr><th>Method</th><th>Address</th><th>What it does</th></tr></thead>
<tbody>${rows.map(([method, address, what]) => html`<tr><td>${method}</td><td><code>${address}</code></td><td>${what}</td></tr>`)}</tbody>
</table></div>`;
}

function list(names: readonly string[]): Html {
  return html`${names.map((name, index) => html`${index === 0 ? '' : ', '}<code>${name}</code>`)}`;
}
