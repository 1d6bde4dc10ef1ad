import { chooseEndpoint, endpoint, endpoints } from '../server/endpoints.ts';

/** Chooses the endpoint that the form is for. */
export function EndpointField() {
  const current = endpoint.value;
  if (current === undefined) return null;
  return (
    <div class="card endpoint">
      <label for="endpoint">Endpoint</label>
      <select id="endpoint" title={current.id} onChange={(event) => chooseEndpoint(event.currentTarget.value)}>
        {endpoints.value.map(({ id, title }) => (
          <option key={id} value={id} selected={id === current.id}>
            {title}
          </option>
        ))}
      </select>
    </div>
  );
}
