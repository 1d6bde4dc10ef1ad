import { computed, signal } from '@preact/signals';
import { filmId } from '../../../src/contract/film/film-id.ts';
import type { Price } from '../../../src/contract/price.ts';
import { ask, server } from './connection.ts';
import { type FieldSchema, type InputSchema, loadInputSchema } from './input-schema.ts';

/** An endpoint of the server, as the page needs it. */
export interface Endpoint {
  readonly id: string;
  readonly title: string;
  /** Undefined where the server lists none. */
  readonly price: Pick<Price, 'unitPrice' | 'unit'> | undefined;
  readonly input: InputSchema;
}

/** What the page's own address says of its endpoint, unless the path does: `/models/<id>`. */
const parameter = 'endpoint_id';
const [, namedByPath] = /^models\/(.+?)\/*$/.exec(location.href.slice(server.length).replace(/[?#].*/, '')) ?? [];
const none: InputSchema = { properties: {}, required: [] };

/** As the server lists them; empty until they are known. */
export const endpoints = signal<readonly Endpoint[]>([]);
const chosen = signal(namedByPath ?? new URLSearchParams(location.search).get(parameter));
/** The one that the form is for: the chosen one, or the first; undefined until it is known. */
export const endpoint = computed(() => findEndpoint(chosen.value) ?? endpoints.value[0]);
/** What the form's endpoint takes. */
export const inputSchema = computed(() => endpoint.value?.input ?? none);

export function findEndpoint(id: string | null): Endpoint | undefined {
  return endpoints.value.find((each) => each.id === id);
}

/** The form stays as it is: fields that the endpoint lacks are not sent. */
export function chooseEndpoint(id: string): void {
  chosen.value = id;
  const address = new URL(namedByPath === undefined ? location.href : `models/${id}`, server);
  if (namedByPath === undefined) address.searchParams.set(parameter, id);
  // Relative to the address that the page had before, it would lead elsewhere.
  else document.querySelector('base')?.setAttribute('href', server);
  history.replaceState(null, '', address);
}

/** Empty where the form's endpoint has no such field. */
export function fieldSchema(name: string): FieldSchema {
  return inputSchema.value.properties[name] ?? {};
}

interface ModelsReply {
  readonly models: readonly {
    readonly endpoint_id: string;
    readonly metadata: { readonly group: { label: string } };
  }[];
}

interface PricesReply {
  readonly prices: readonly { readonly endpoint_id: string; readonly unit_price: number; readonly unit: string }[];
}

/** @throws ServerError, OutageError */
export async function loadEndpoints(): Promise<void> {
  // The list is of what the platform has too; films are our own.
  const lists = await Promise.all(
    ['v1/models', `v1/models?endpoint_id=${filmId}`].map((path) =>
      ask(path, (reply): Promise<ModelsReply> => reply.json()),
    ),
  );
  const models = lists.flatMap((list) => list.models);
  const ids = models.map(({ endpoint_id: id }) => id).join(',');
  const { prices } = await ask(`v1/models/pricing?endpoint_id=${ids}`, (reply): Promise<PricesReply> => reply.json());
  endpoints.value = await Promise.all(
    models.map(async ({ endpoint_id: id, metadata }) => {
      const listed = prices.find(({ endpoint_id: other }) => other === id);
      const price = listed && { unitPrice: listed.unit_price, unit: listed.unit };
      return { id, title: metadata.group.label, price, input: await loadInputSchema(id) };
    }),
  );
}
