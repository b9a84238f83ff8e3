// Running programs on data of one's own: no event, nothing attached.
//   node examples/api/test-run.mjs --kernel linux
import { BpfProgram } from 'skep';
import { openKernel } from './kernel.mjs';

const kernel = await openKernel();

// Takes four bytes off the front of a packet, and writes where it now begins.
const shorten = await BpfProgram.load(kernel, {
  type: 'xdp',
  name: 'shorten',
  insns: `
    r6 = r1
    r2 = 4
    call bpf_xdp_adjust_head
    r1 = *(u32 *)(r6 +0)
    r2 = *(u32 *)(r6 +4)
    r3 = r1
    r3 += 1
    if r3 > r2 goto out
    *(u8 *)(r1 +0) = 255
  out:
    r0 = 2
    exit`,
});
const result = await shorten.testRun({ data: new Uint8Array(20).fill(7) });
console.log(result.retval, result.data.length, [...result.data.subarray(0, 3)]);

// Too short for Ethernet: the kernel's answer is an error.
await shorten.testRun({ data: new Uint8Array(3) }).catch((error) => console.log(error.message));

await shorten.close();
await kernel.close();
