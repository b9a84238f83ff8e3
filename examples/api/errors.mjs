// What goes wrong, and how it is said.
//   node examples/api/errors.mjs --kernel linux
import { BpfMap, BpfProgram, loadCollection } from 'skep';
import { BpfError, ElfError, VerifierError } from 'skep/base/errors';
import { openKernel } from './kernel.mjs';

const kernel = await openKernel();

// The verifier's verdict, with its log.
try {
  await BpfProgram.load(kernel, { type: 'xdp', insns: 'r0 = *(u64 *)(r10 -8); exit; r0 = 0; exit' });
} catch (error) {
  if (!(error instanceof VerifierError)) throw error;
  console.log(error.code, error.errno, error.pc);
  console.log(error.log.split('\n')[0]);
}

// A kernel's errno.
try {
  await BpfMap.create(kernel, { type: 'array', keySize: 8, maxEntries: 1 });
} catch (error) {
  if (!(error instanceof BpfError)) throw error;
  console.log(error.message);
}

// Input that cannot be read.
try {
  await loadCollection(kernel, new Uint8Array(100));
} catch (error) {
  if (!(error instanceof ElfError)) throw error;
  console.log(error.code, error.message);
}
await kernel.close();
