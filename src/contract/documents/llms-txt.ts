import type { JsonSchemas } from '../json-schema.ts';
import { type Home, platformHome } from './home.ts';
import { type Example, exampleOf } from './llms-examples.ts';
import { fieldBlocks } from './llms-fields.ts';
import { curlSnippet, javaScriptSnippet, pythonSnippet } from './llms-snippets.ts';

/** What the page of an endpoint is made from; every `Endpoint` has it. */
export interface EndpointPage {
  readonly id: string;
  readonly displayName: string;
  readonly description: string;
  readonly category: string;
  readonly kind: string;
  readonly tags: readonly string[];
  /** The section on pricing is left out without one. */
  readonly price?: { readonly text: string } | { readonly unitPrice: number; readonly unit: string } | undefined;
  readonly input: JsonSchemas;
  readonly output: JsonSchemas;
}

/** The page about an endpoint for readers that are programs (`/models/{id}/llms.txt`). */
export function llmsTxt(page: EndpointPage, home = platformHome): string {
  const request = exampleOf(page.input, 'required');
  const sections = [
    `# ${page.displayName}\n\n> ${page.description}`,
    `\n${overview(page, home)}`,
    ...(page.price === undefined ? [] : [`\n${pricing(page.price, home)}`]),
    schemas(page, request),
    `\n${usage(page, request, home)}`,
    `\n${resources(page, home)}`,
  ];
  return `${sections.join('\n\n')}\n`;
}

function overview({ id, category, kind, tags }: EndpointPage, { run }: Home): string {
  const lines = [
    `- **Endpoint**: \`${run}/${id}\``,
    `- **Model ID**: \`${id}\``,
    `- **Category**: ${category}`,
    `- **Kind**: ${kind}`,
    // The page has one more empty line after tags.
    ...(tags.length === 0 ? [] : [`**Tags**: ${tags.join(', ')}`, '']),
  ];
  return `## Overview\n\n${lines.join('\n')}`;
}

function pricing(price: NonNullable<EndpointPage['price']>, home: Home): string {
  const text = 'text' in price ? price.text : `- **Price**: $${price.unitPrice} per ${price.unit}`;
  const more = home === platformHome ? '\n\nFor more details, see [fal.ai pricing](https://fal.ai/pricing).' : '';
  return `## Pricing\n\n${text}${more}`;
}

function schemas({ input, output }: EndpointPage, request: Example): string {
  return `## API Information

This model can be used via our HTTP API or more conveniently via our client libraries.
See the input and output schema below, as well as the usage examples.


### Input Schema

The API accepts the following input parameters:


${fieldBlocks(input)}

**Required Parameters Example**:

${json(request)}

**Full Example**:

${json(exampleOf(input, 'all'))}


### Output Schema

The API returns the following output format:

${fieldBlocks(output)}

**Example Response**:

${json(exampleOf(output, 'all'))}`;
}

function usage({ id }: EndpointPage, request: Example, home: Home): string {
  const curl = `## Usage Examples

### cURL

${fenced('bash', curlSnippet(`${home.run}/${id}`, request))}`;
  if (home !== platformHome) return `${curl}\n\nOther programs: [API and clients](${home.site}/docs/api).`;
  return `${curl}

### Python

Ensure you have the Python client installed:

${fenced('bash', 'pip install fal-client')}

Then use the API client to make requests:

${fenced('python', pythonSnippet(id, request))}

### JavaScript

Ensure you have the JavaScript client installed:

${fenced('bash', 'npm install --save @fal-ai/client')}

Then use the API client to make requests:

${fenced('javascript', javaScriptSnippet(id, request))}`;
}

function resources({ id }: EndpointPage, home: Home): string {
  const { site } = home;
  const own = `## Additional Resources

### Documentation

- [Model Playground](${site}/models/${id})
- [API Documentation](${site}/models/${id}/api)
- [OpenAPI Schema](${site}/api/openapi/queue/openapi.json?endpoint_id=${id})`;
  if (home !== platformHome) return own;
  return `${own}

### fal.ai Platform

- [Platform Documentation](https://docs.fal.ai)
- [Python Client](https://docs.fal.ai/clients/python)
- [JavaScript Client](https://docs.fal.ai/clients/javascript)`;
}

function json(value: Example): string {
  return fenced('json', JSON.stringify(value, null, 2));
}

function fenced(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
