// An object file in a kernel: its programs, maps and global variables by name.
//   node examples/api/collection.mjs --kernel linux
import { loadCollection } from 'skep';
import { openKernel, readObject } from './kernel.mjs';

const kernel = await openKernel();
const collection = await loadCollection(kernel, await readObject('kinds.bpf.o'), {
  name: 'kinds', // data maps are called after it: kinds.bss
  programs: ['count', 'chain'], // default: all of them
  globals: { limit: 64 }, // const volatile, so it has to be said before
});

console.log(Object.keys(collection.programs));
console.log(Object.keys(collection.maps).join(' '));

// Global variables, while the programs are there.
const { number, verdict } = collection.globals;
await verdict.set(1); // XDP_DROP
const { retval } = await collection.program('count').testRun({ data: new Uint8Array(64) });
console.log('answered', retval, 'and counted', await number.get());

// A name that is not there.
try {
  collection.map('point');
} catch (error) {
  console.log(error.code, error.message.slice(0, 50));
}

await collection.close(); // all of it, except what is pinned or attached
await kernel.close();
