/** A C header: the lines around the declarations, as `btf dump … format c` prints them. */
import { type Btf, dumpC } from '../../btf/index.ts';

const BEFORE = `#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif

#ifndef __weak
#define __weak __attribute__((weak))
#endif

#ifndef __bpf_fastcall
#if __has_attribute(bpf_fastcall)
#define __bpf_fastcall __attribute__((bpf_fastcall))
#else
#define __bpf_fastcall
#endif
#endif

`;

const KFUNCS = `
/* BPF kfuncs */
#ifndef BPF_NO_KFUNC_PROTOTYPES
`;

const AFTER = `#endif

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
`;

/** `roots` empty: every type. */
export function cHeader(btf: Btf, roots: readonly number[], sorted: boolean): string {
  return BEFORE + dumpC(btf, { roots, sorted }) + KFUNCS + AFTER;
}
