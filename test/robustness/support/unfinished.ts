/** How many requests of a server wait or run. */
export async function unfinished(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const values = [...text.matchAll(/^soundstage_requests_(?:waiting|running) (\d+)$/gm)];
  if (values.length !== 2) throw new Error('the server does not tell how many requests wait and run');
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}
