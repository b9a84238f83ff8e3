// Iterators: a program that prints what a map holds whenever somebody reads.
//   node examples/api/iterators.mjs
import { loadCollection } from 'skep';
import { openKernel, readObject } from './kernel.mjs';

const kernel = await openKernel();
const collection = await loadCollection(kernel, await readObject('iterators.bpf.o'));
const ages = collection.map('ages');
await ages.setMany([
  [1, 12],
  [2, 34],
]);

const link = await collection.program('older').attach({ map: ages });
console.log(await link.text()); // each reading runs it over all elements
await ages.set(2, 4);
console.log((await link.text()) === '');

await link.close();
await collection.close();
await kernel.close();
