// An object file as a value: looked at and changed before anything of it is in a kernel.
//   node examples/api/specs.mjs --kernel linux
import { BpfMap, loadCollection } from 'skep';
import { parseObject } from 'skep/object';
import { progTypeName } from 'skep/uapi/prog-types';
import { openKernel, readObject } from './kernel.mjs';

// No kernel is needed for this.
const spec = parseObject(await readObject('kinds.bpf.o'), { name: 'kinds' });
for (const { name, section, type, insns } of spec.programs.values()) {
  console.log(`SEC("${section}") ${name}: ${progTypeName(type)}, ${insns.length / 8} instructions`);
}

// Sizes, flags, names of pins, places to attach to: fields of the spec.
spec.maps.get('points').maxEntries = 4;
spec.programs.delete('sample');

const kernel = await openKernel();
const hits = await BpfMap.create(kernel, { type: 'percpu_array', valueSize: 8, maxEntries: 4, name: 'shared' });
const collection = await loadCollection(kernel, spec, {
  globals: { limit: 64 }, // constants, before the verifier sees them
  maps: { hits }, // a map of ours in place of the object's
  logLevel: 1, // the verifier's words about every program
});
const { count, chain } = collection.programs;
console.log((await collection.map('points').info()).max_entries, 'points,', Object.keys(collection.programs).join(' '));
console.log(count.log.includes('processed'), chain.log.includes('processed'));

await count.testRun({ data: new Uint8Array(64) });
console.log(
  (await hits.get(0)).reduce((sum, n) => sum + n),
  'hit in the map that is ours',
);

await collection.close();
await hits.close();
await kernel.close();
