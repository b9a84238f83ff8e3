// Programs: from an object or from assembly; run on data of one's own, called from one another.
//   node examples/api/programs.mjs --kernel linux
import { BpfMap, BpfProgram, loadCollection } from 'skep';
import { progTypeName } from 'skep/uapi/prog-types';
import { openKernel, readObject } from './kernel.mjs';

const kernel = await openKernel();

// From text. What `map[…]` stands for is said beside it.
const bytes = await BpfMap.create(kernel, { type: 'array', valueSize: 8, maxEntries: 1, name: 'bytes' });
const measure = await BpfProgram.load(kernel, {
  type: 'xdp',
  name: 'measure',
  maps: { bytes },
  insns: `
    r6 = *(u32 *)(r1 +4)                 // data_end
    r1 = *(u32 *)(r1 +0)                 // data
    r6 -= r1
    *(u32 *)(r10 -4) = 0
    r2 = r10
    r2 += -4
    r1 = map[bytes]
    call bpf_map_lookup_elem
    if r0 == 0 goto out
    lock *(u64 *)(r0 +0) += r6
  out:
    r0 = 2                               // XDP_PASS
    exit`,
});
const { retval } = await measure.testRun({ data: new Uint8Array(100) });
console.log('answered', retval, 'after', await bytes.get(0), 'bytes');

// What the kernel knows of it.
const { name, type, xlated_prog_len } = await measure.info();
console.log(name, progTypeName(type), xlated_prog_len > 0);

// A tail call: `chain` goes on to what stands in slot 1.
const collection = await loadCollection(kernel, await readObject('kinds.bpf.o'));
const { chain, count } = collection.programs;
const data = new Uint8Array(64);
console.log('alone', (await chain.testRun({ data })).retval);
await collection.map('next').set(1, count);
console.log('joined', (await chain.testRun({ data })).retval);

await collection.close();
await measure.close();
await bytes.close();
await kernel.close();
