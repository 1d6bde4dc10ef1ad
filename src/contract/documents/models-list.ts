import type { Endpoint } from '../endpoint.ts';
import { currency } from '../price.ts';
import { type Home, platformHome } from './home.ts';

/** An endpoint's entry in the platform's list of models (`GET /v1/models`); with its OpenAPI document if given. */
export function modelEntry(
  endpoint: Endpoint,
  openapi?: Readonly<Record<string, unknown>>,
  { run }: Home = platformHome,
): Readonly<Record<string, unknown>> {
  return {
    endpoint_id: endpoint.id,
    metadata: {
      display_name: endpoint.displayName,
      category: endpoint.category,
      description: endpoint.description,
      status: endpoint.status,
      tags: endpoint.tags,
      model_url: `${run}/${endpoint.id}`,
      license_type: endpoint.licenseType,
      kind: endpoint.kind,
      group: endpoint.group,
      training_endpoint_ids: endpoint.trainingEndpointIds,
    },
    ...(openapi && { openapi }),
  };
}

/** An endpoint's entry in the platform's price list (`GET /v1/models/pricing`). */
export function priceEntry({ id, price }: Endpoint): Readonly<Record<string, unknown>> {
  const { unitPrice, unit } = price;
  return { endpoint_id: id, unit_price: unitPrice, unit, currency };
}
