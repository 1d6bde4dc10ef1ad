import { LoraCache } from './lora-cache.ts';

// Holds a lease in another process until that is ended.
const [folder = '', hash = ''] = process.argv.slice(2);
const cache = await LoraCache.open({ folder, maxBytes: 1e9 });
const lease = cache.lease(hash);
console.log(lease === undefined ? 'absent' : 'held');
setInterval(() => lease, 1000);
