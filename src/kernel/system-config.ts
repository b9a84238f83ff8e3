/**
 * What `feature probe` reports under system configuration: the options that a Linux with the abilities of this kernel
 * would be built with, and null for what it has no part of.
 */
import type { SystemConfig } from '../sys/index.ts';
import { REFERENCE_KERNEL } from '../uapi/reference.ts';
import type { Core } from './core.ts';

const BUILT_IN = [
  'CONFIG_BPF',
  'CONFIG_BPF_SYSCALL',
  'CONFIG_HAVE_EBPF_JIT',
  'CONFIG_BPF_JIT',
  'CONFIG_DEBUG_INFO_BTF',
  'CONFIG_CGROUPS',
  'CONFIG_CGROUP_BPF',
  'CONFIG_SOCK_CGROUP_DATA',
  'CONFIG_NET',
  'CONFIG_KPROBE_EVENTS',
  'CONFIG_TRACING',
  'CONFIG_FTRACE_SYSCALLS',
  'CONFIG_BPF_EVENTS',
  'CONFIG_NET_CLS_ACT',
];

export function systemConfig(core: Core): SystemConfig {
  const jit = core.mode === 'jit' ? 1 : 0;
  return {
    sysctl: {
      unprivileged_bpf_disabled: 0, // every client may do everything: nothing leaves the sandbox
      bpf_jit_enable: jit,
      bpf_jit_harden: 0,
      bpf_jit_kallsyms: 0,
      bpf_jit_limit: core.mem.limit,
    },
    config: { ...Object.fromEntries(BUILT_IN.map((name) => [name, 'y'])), CONFIG_HZ: '250' },
    release: `${REFERENCE_KERNEL.release}-skep`,
  };
}
