/** The kernel's functions that generated programs call (BPF_PSEUDO_KFUNC_CALL), by the index that stands in imm. */
import { KFUNCS } from '../../../src/uapi/kfuncs.ts';

export const KERNEL_FUNCTIONS = Object.keys(KFUNCS).sort() as readonly (keyof typeof KFUNCS)[];
