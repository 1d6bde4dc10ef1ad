import { endpoint, publishedUrls } from '../endpoint.ts';

/** The endpoint's entry in the platform's list of models (`GET /v1/models`); with its OpenAPI document if given. */
export function modelEntry(openapi?: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return {
    endpoint_id: endpoint.id,
    metadata: {
      display_name: endpoint.displayName,
      category: endpoint.category,
      description: endpoint.description,
      status: endpoint.status,
      tags: endpoint.tags,
      model_url: publishedUrls.run,
      license_type: endpoint.licenseType,
      kind: endpoint.kind,
      group: endpoint.group,
      training_endpoint_ids: endpoint.trainingEndpointIds,
    },
    ...(openapi && { openapi }),
  };
}

/** The endpoint's entry in the platform's price list (`GET /v1/models/pricing`). */
export function priceEntry(): Readonly<Record<string, unknown>> {
  const { unitPrice, unit, currency } = endpoint.price;
  return { endpoint_id: endpoint.id, unit_price: unitPrice, unit, currency };
}
