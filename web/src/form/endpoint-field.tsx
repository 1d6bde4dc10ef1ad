import { chooseEndpoint, endpoint, endpoints } from '../server/endpoints.ts';

/** Chooses the endpoint that the form is for. */
export function EndpointField() {
  const current = endpoint.value;
  if (current === undefined) return null;
  return (
    <section class="card" aria-label="Endpoint">
      <div class="field">
        <div class="field-head">
          <label for="endpoint">Endpoint</label>
        </div>
        <select
          id="endpoint"
          aria-describedby="help-endpoint"
          onChange={(event) => chooseEndpoint(event.currentTarget.value)}
        >
          {endpoints.value.map(({ id, title }) => (
            <option key={id} value={id} selected={id === current.id}>
              {title}
            </option>
          ))}
        </select>
        <p class="help" id="help-endpoint">
          <code>{current.id}</code>
        </p>
      </div>
    </section>
  );
}
