// Submits requests with large data URIs, all at once. Arguments: the queue's address, how many, and bytes of each body.
import { randomBytes } from 'node:crypto';

const [address = '', count, bytes] = process.argv.slice(2);
const content = randomBytes((Number(bytes) * 3) / 4).toString('base64');
const body = JSON.stringify({ prompt: 'A woman speaks', audio_url: `data:audio/wav;base64,${content}`, loras: [] });
const posts = Array.from({ length: Number(count) }, async () => {
  const { status } = await fetch(address, { method: 'POST', body });
  if (status !== 200) throw new Error(`${address} answered ${status}`);
});
await Promise.all(posts);
