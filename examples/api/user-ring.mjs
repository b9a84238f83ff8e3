// A user ring buffer: records from here to a program, which drains them when it runs.
//   node examples/api/user-ring.mjs
import { loadCollection } from 'skep';
import { openKernel, readObject } from './kernel.mjs';

const kernel = await openKernel();
const collection = await loadCollection(kernel, await readObject('orders.bpf.o'));

const writer = await collection.map('orders').writer();
await writer.write(new Uint8Array(new Uint32Array([7, 2]).buffer)); // struct order: table 7, two coffees
await writer.write(new Uint8Array(new Uint32Array([9, 1]).buffer));

const { retval } = await collection.program('serve').testRun();
console.log(retval, 'orders,', await collection.global('coffees').get(), 'coffees');

// Where nobody drains it, it fills up: tryWrite says so, write waits.
let room = 0;
while (writer.tryWrite(new Uint8Array(8))) room++;
console.log('room for', room, 'more; the largest may have', writer.largest, 'bytes');

await writer.close();
await collection.close();
await kernel.close();
