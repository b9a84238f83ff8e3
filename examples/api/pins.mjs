// Pins: names in the bpf file system, by which objects outlive whoever made them.
//   node examples/api/pins.mjs --kernel linux
import { BpfMap, BpfProgram, loadCollection } from 'skep';
import { openKernel, readObject } from './kernel.mjs';

const kernel = await openKernel();
const collection = await loadCollection(kernel, await readObject('kinds.bpf.o'));

const [mount] = await kernel.bpffs.mounts();
const folder = `${mount}/example-${process.pid}`;
await kernel.bpffs.mkdir(folder);
await collection.map('points').pin(`${folder}/points`);
await collection.program('count').pin(`${folder}/count`);
await collection.close();

// Later, perhaps in another process. The types of the values come with the object.
const points = await BpfMap.open(kernel, `${folder}/points`, collection.spec.btf);
await points.set(1, { x: 1, y: 2, name: 'here' });
console.log((await points.get(1)).name);
const count = await BpfProgram.open(kernel, `${folder}/count`);
console.log((await count.testRun({ data: new Uint8Array(64) })).retval);
console.log((await kernel.bpffs.list(folder)).map(({ name, kind }) => `${name}: ${kind}`));

await points.unpin(`${folder}/points`);
await count.unpin(`${folder}/count`);
await kernel.bpffs.remove(folder);
await points.close();
await count.close();
await kernel.close();
