/**
 * CONST_PTR_TO_MAP: the map itself. Some fields of the kernel's struct bpf_map may be read, none written.
 */
import type { Env } from '../env.ts';
import { type Access, answerUnknown, type PointerRule } from './rule.ts';

export const mapPointer: PointerRule = {
  access(env, ptr, a) {
    if (!env.caps.perfmon) env.reject('EPERM', 'access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN');
    const name = mapStructName(env, ptr.aux);
    if (a.off < 0) env.reject('EACCES', `R${a.regno} is ${name} invalid negative access: off=${a.off}`);
    if (a.write) env.reject('EACCES', `only read from ${name} is supported`);
    readField(env, a);
  },
};

/** The kernel's structure behind a map type. */
function mapStructName(env: Env, index: number): string {
  const { type } = env.maps[index]!;
  switch (type) {
    case 2:
    case 6:
    case 12:
      return 'bpf_array';
    case 1:
    case 5:
    case 9:
    case 10:
    case 13:
      return 'bpf_htab';
    default:
      return 'bpf_map';
  }
}

function readField(env: Env, a: Access): void {
  // Fields at the head of struct bpf_map that are plain numbers: map_type .. map_flags.
  if (a.off >= 24 && a.off + a.size <= 56) {
    env.faultable.add(env.pc);
    answerUnknown(env, a);
    return;
  }
  env.unsupported('reading this field of a map');
}
