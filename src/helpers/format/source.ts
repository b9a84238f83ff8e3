/** Where formats read what their arguments point to: the kernel's linear memory, or the task's. */
import type { HelperEnv } from '../helper.ts';
import type { FormatSource } from './render.ts';

const PAGE = 4096n;

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
      return kernel ? kernelText(addr, size) : userText(env, addr, size);
    },
    bytes: (addr, size) => (isKernel(env, addr, size) ? env.mem.read(Number(addr), size) : null),
    symbol: (addr) => env.kernelSymbol(addr),
  };
}

function isKernel(env: HelperEnv, addr: bigint, size: number): boolean {
  return addr <= 0xffff_ffffn && env.mem.isValid(Number(addr), size);
}

function userText(env: HelperEnv, addr: bigint, size: number): Uint8Array | null {
  const text: number[] = [];
  while (text.length < size - 1) {
    const at = addr + BigInt(text.length);
    const part = env.currentTask().readUser(at, Math.min(size - 1 - text.length, Number(PAGE - (at % PAGE))));
    if (part === null) return null;
    const end = part.indexOf(0);
    text.push(...(end < 0 ? part : part.subarray(0, end)));
    if (end >= 0) break;
  }
  return Uint8Array.from(text);
}
