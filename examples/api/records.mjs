// Records that programs send: ring buffers, and perf buffers, as async iterators.
//   node examples/api/records.mjs --kernel linux
import { loadCollection } from 'skep';
import { openKernel, readObject } from './kernel.mjs';

const kernel = await openKernel();
const collection = await loadCollection(kernel, await readObject('kinds.bpf.o'));
const { count, sample } = collection.programs;
const packet = (bytes) => ({ data: new Uint8Array(bytes) });

// A ring buffer: values of `struct seen`, as the object defines it.
const ring = await collection.map('packets').ring();
await count.testRun(packet(60));
await count.testRun(packet(100));
for await (const seen of ring.values('seen')) {
  console.log('packet', seen.number, 'has', seen.bytes, 'bytes');
  if (seen.number === 2) break;
}

// Where nobody reads in time, records are lost; a program finds no room, and this one counts that.
await count.testRun({ ...packet(60), repeat: 300 });
console.log('no room for', await collection.global('lost').get());
const waiting = await ring.read(); // all that is there, as bytes
console.log(waiting.length, 'records of', waiting[0].data.length, 'bytes waited');
await ring.close();

// A perf buffer: one for each CPU, and the kernel counts what was lost.
const samples = await collection.map('samples').ring();
await sample.testRun(packet(77));
for await (const record of samples) {
  console.log('packet of', samples.decode('seen', record.data).bytes, 'bytes; lost:', samples.lost);
  break;
}
await samples.close();

await collection.close();
await kernel.close();
