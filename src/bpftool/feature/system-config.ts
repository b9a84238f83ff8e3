/** The section about the system: what unprivileged users may do, the JIT's settings, the kernel's configuration. */
import type { SystemConfig } from '../../sys/index.ts';
import type { Report } from './report.ts';

/** What a sysctl's values mean; `unknown` for any other, with the value behind it. */
interface Setting {
  readonly name: string;
  readonly meanings: Readonly<Record<number, string>>;
  readonly missing: string;
  other(value: number): string;
}

const SETTINGS: readonly Setting[] = [
  {
    name: 'unprivileged_bpf_disabled',
    meanings: {
      0: 'bpf() syscall for unprivileged users is enabled',
      1: 'bpf() syscall restricted to privileged users (without recovery)',
      2: 'bpf() syscall restricted to privileged users (admin can change)',
    },
    missing: 'Unable to retrieve required privileges for bpf() syscall',
    other: (value) => `bpf() syscall restriction has unknown value ${value}`,
  },
  {
    name: 'bpf_jit_enable',
    meanings: {
      0: 'JIT compiler is disabled',
      1: 'JIT compiler is enabled',
      2: 'JIT compiler is enabled with debugging traces in kernel logs',
    },
    missing: 'Unable to retrieve JIT-compiler status',
    other: (value) => `JIT-compiler status has unknown value ${value}`,
  },
  {
    name: 'bpf_jit_harden',
    meanings: {
      0: 'JIT compiler hardening is disabled',
      1: 'JIT compiler hardening is enabled for unprivileged users',
      2: 'JIT compiler hardening is enabled for all users',
    },
    missing: 'Unable to retrieve JIT hardening status',
    other: (value) => `JIT hardening status has unknown value ${value}`,
  },
  {
    name: 'bpf_jit_kallsyms',
    meanings: {
      0: 'JIT compiler kallsyms exports are disabled',
      1: 'JIT compiler kallsyms exports are enabled for root',
    },
    missing: 'Unable to retrieve JIT kallsyms export status',
    other: (value) => `JIT kallsyms exports status has unknown value ${value}`,
  },
  {
    name: 'bpf_jit_limit',
    meanings: {},
    missing: 'Unable to retrieve global memory limit for JIT compiler for unprivileged users',
    other: (value) => `Global memory limit for JIT compiler for unprivileged users is ${value} bytes`,
  },
];

const OPTIONS = [
  'CONFIG_BPF',
  'CONFIG_BPF_SYSCALL',
  'CONFIG_HAVE_EBPF_JIT',
  'CONFIG_BPF_JIT',
  'CONFIG_BPF_JIT_ALWAYS_ON',
  'CONFIG_DEBUG_INFO_BTF',
  'CONFIG_DEBUG_INFO_BTF_MODULES',
  'CONFIG_CGROUPS',
  'CONFIG_CGROUP_BPF',
  'CONFIG_CGROUP_NET_CLASSID',
  'CONFIG_SOCK_CGROUP_DATA',
  'CONFIG_BPF_EVENTS',
  'CONFIG_KPROBE_EVENTS',
  'CONFIG_UPROBE_EVENTS',
  'CONFIG_TRACING',
  'CONFIG_FTRACE_SYSCALLS',
  'CONFIG_FUNCTION_ERROR_INJECTION',
  'CONFIG_BPF_KPROBE_OVERRIDE',
  'CONFIG_NET',
  'CONFIG_XDP_SOCKETS',
  'CONFIG_LWTUNNEL_BPF',
  'CONFIG_NET_ACT_BPF',
  'CONFIG_NET_CLS_BPF',
  'CONFIG_NET_CLS_ACT',
  'CONFIG_NET_SCH_INGRESS',
  'CONFIG_XFRM',
  'CONFIG_IP_ROUTE_CLASSID',
  'CONFIG_IPV6_SEG6_BPF',
  'CONFIG_BPF_LIRC_MODE2',
  'CONFIG_BPF_STREAM_PARSER',
  'CONFIG_NETFILTER_XT_MATCH_BPF',
  'CONFIG_TEST_BPF',
  'CONFIG_HZ',
];

export async function showSystemConfig(report: Report, config: SystemConfig): Promise<void> {
  report.section('system_config', 'Scanning system configuration...', '/*** Misc kernel config items ***/');
  for (const setting of SETTINGS) {
    const value = config.sysctl[setting.name] ?? null;
    const sentence = value === null ? setting.missing : (setting.meanings[value] ?? setting.other(value));
    report.setting(setting.name, value ?? -1, sentence);
  }
  for (const option of OPTIONS) {
    const value = config.config[option] ?? null;
    report.setting(option, value, value === null ? `${option} is not set` : `${option} is set to ${value}`);
  }
  report.endSection();
}
