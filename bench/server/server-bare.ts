// The least that a server on the same libraries could do: parses the JSON that it is sent and replies with a constant of
// the size given on the command line. Prints its address; SIGTERM ends it.
import { once } from 'node:events';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';

const [size = '500'] = process.argv.slice(2);
const reply = { text: 'x'.repeat(Math.max(0, Number(size) - '{"text":""}'.length)) };
const app = new Hono();
app.post('/*', async (c) => {
  await c.req.json();
  return c.json(reply);
});
app.get('/*', (c) => c.json(reply));
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
  process.stdout.write(`http://127.0.0.1:${port}\n`),
);
await once(process, 'SIGTERM');
server.close();
