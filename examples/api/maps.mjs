// Maps: plain values by their types, bytes, many at a time, per CPU, queues, prefixes, maps in maps.
//   node examples/api/maps.mjs --kernel linux
import { BpfMap, loadCollection } from 'skep';
import { openKernel, readObject } from './kernel.mjs';

const kernel = await openKernel();
const { maps, close } = await loadAll();

// A hash of structures.
const { points } = maps;
await points.set(7, { x: 3, y: -4, name: 'ann' });
console.log(await points.get(7), await points.get(8), await points.delete(8));

// Many at a time: one call to the kernel for all of them.
await points.setMany([1, 2, 3].map((n) => [n, { x: n, y: n * n, name: `p${n}` }]));
const names = [];
for await (const { key, value } of points.records()) names.push(`${key}=${value.name}`);
console.log(names.sort().join(' '));

// A value a CPU: an array, or one value for all of them.
const { hits } = maps;
await hits.set(1, 5n);
const perCpu = await hits.get(1);
console.log(perCpu.length === kernel.possibleCpus, perCpu[0]);

// A queue has no keys.
const { jobs } = maps;
await jobs.push(10n);
await jobs.push(20n);
console.log(await jobs.pop(), await jobs.pop(), await jobs.pop());

// The longest prefix that matches; a key is the prefix's length and the address.
const { routes } = maps;
const prefix = (length, ...address) => new Uint8Array([length, 0, 0, 0, ...address]);
await routes.set(prefix(8, 10, 0, 0, 0), 1);
await routes.set(prefix(24, 10, 1, 2, 0), 2);
console.log(await routes.get(prefix(32, 10, 1, 2, 3)), await routes.get(prefix(32, 10, 9, 9, 9)));

// A map as a value, and a map made without an object file.
const tenant = await BpfMap.create(kernel, { type: 'array', valueSize: 8, maxEntries: 2, name: 'tenant' });
await tenant.set(0, 42n);
await maps.tenants.set(1, tenant);
await tenant.close(); // the outer map keeps it
const inner = await maps.tenants.inner(1);
console.log(inner.name, await inner.get(0));
await inner.close();

// Take everything out, and what goes wrong.
let taken = 0;
for await (const _ of points.drain()) taken++;
console.log('took', taken);
await points.set(1, { x: 0, y: 0, name: '' }, 2 /* BPF_EXIST */).catch((error) => console.log(error.message));

await close();
await kernel.close();

async function loadAll() {
  const collection = await loadCollection(kernel, await readObject('kinds.bpf.o'));
  return { maps: collection.maps, close: () => collection.close() };
}
