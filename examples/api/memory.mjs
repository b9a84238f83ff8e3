// Memory that is shared with programs: no call to the kernel for a read or a write.
//   node examples/api/memory.mjs --kernel linux
import { loadCollection } from 'skep';
import { openKernel, readObject } from './kernel.mjs';

const kernel = await openKernel();
const collection = await loadCollection(kernel, await readObject('kinds.bpf.o'));

// An array with BPF_F_MMAPABLE.
const { settings } = collection.maps;
const memory = await settings.memory();
console.log(memory.size, 'bytes,', memory.writable ? 'writable' : 'read-only');
memory.set(3, 77n);
console.log(await settings.get(3), memory.get(3));
new BigUint64Array(memory.bytes().buffer, memory.bytes().byteOffset)[4] = 78n;
console.log(memory.get(4));
await memory.close();

// Global variables are such arrays.
const { number, verdict } = collection.globals;
await verdict.set(1);
await collection.program('count').testRun({ data: new Uint8Array(64), repeat: 3 });
console.log(await number.get(), 'packets; in', number.map.name);

// Constants are frozen.
const { limit } = collection.globals;
await limit.set(9).catch((error) => console.log(error.message));

await collection.close();
await kernel.close();
