/** Where formats read what their arguments point to: the kernel's linear memory, or the task's. */
import type { HelperEnv } from '../helper.ts';
import { readUserText } from '../user-text.ts';
import type { FormatSource } from './render.ts';

export function formatSource(env: HelperEnv): FormatSource {
  const kernelText = (addr: bigint, size: number) => {
    const at = Number(addr);
    let length = 0;
    while (length < size - 1) {
      if (!isKernel(env, addr + BigInt(length), 1)) return null;
      if (env.mem.u8(at + length) === 0) break;
      length++;
    }
    return env.mem.read(at, length);
  };
  return {
    text(where, addr, size) {
      const kernel = where === 'kernel' || (where === 'either' && isKernel(env, addr, 1));
      return kernel ? kernelText(addr, size) : readUserText(env.currentTask(), addr, size - 1);
    },
    bytes: (addr, size) => (isKernel(env, addr, size) ? env.mem.read(Number(addr), size) : null),
    symbol: (addr) => env.kernelSymbol(addr),
  };
}

function isKernel(env: HelperEnv, addr: bigint, size: number): boolean {
  return addr <= 0xffff_ffffn && env.mem.isValid(Number(addr), size);
}
