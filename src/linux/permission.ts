/**
 * Why this process may not: which capability it lacks, or which sysctl is in the way (capabilities(7), bpf(2)).
 */
import { readFileSync } from 'node:fs';
import { CAPABILITIES, type Capability, neededCapabilities } from '../uapi/capabilities.ts';
import type { Attr, CommandName } from '../uapi/commands.ts';

const KEPT = 'the map is frozen, or this descriptor of it may not do that';
/** What EPERM of a command means for who has the capabilities. */
const OTHERWISE: Partial<Readonly<Record<CommandName, string>>> = {
  MAP_LOOKUP_ELEM: KEPT,
  MAP_LOOKUP_AND_DELETE_ELEM: KEPT,
  MAP_UPDATE_ELEM: KEPT,
  MAP_DELETE_ELEM: KEPT,
  MAP_LOOKUP_BATCH: KEPT,
  MAP_LOOKUP_AND_DELETE_BATCH: KEPT,
  MAP_UPDATE_BATCH: KEPT,
  MAP_DELETE_BATCH: KEPT,
  MAP_FREEZE: KEPT,
  PROG_ATTACH:
    'a cgroup above has a program and does not let others be added (BPF_F_ALLOW_OVERRIDE, BPF_F_ALLOW_MULTI)',
  LINK_UPDATE: 'the link holds another program than the expected one',
  OBJ_PIN: 'the path is not in a bpf file system (mount -t bpf bpf DIRECTORY)',
  TOKEN_CREATE: 'the bpf file system delegates nothing (mount options delegate_cmds and others)',
};

/** A sentence for a command that answered EPERM. */
export function whyForbidden(command: CommandName, attr: Attr<CommandName>): string {
  const held = heldCapabilities();
  // Before Linux 5.8 CAP_SYS_ADMIN stood for all of them.
  const hasOwn = Number(read('/proc/sys/kernel/cap_last_cap')) >= CAPABILITIES.CAP_BPF;
  const wanted: Capability[] = hasOwn ? neededCapabilities(command, attr) : ['CAP_SYS_ADMIN'];
  const lacking = wanted.filter((name) => !held.has(name));
  if (lacking.length > 0 && !held.has('CAP_SYS_ADMIN')) {
    const uid = process.getuid?.();
    if (uid === 0) return `root has no ${list(lacking)} here, as in a container; give the process ${them(lacking)}`;
    return `user ${uid} has no ${list(lacking)}${sysctl(command)}; run as root, or give the process ${them(lacking)}`;
  }
  return (
    OTHERWISE[command] ??
    'this process has the capabilities; kernel lockdown, a security module or a seccomp filter is in the way'
  );
}

function list(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function them(names: readonly string[]): string {
  return names.length === 1 ? 'this capability' : 'these capabilities';
}

/** What kernel.unprivileged_bpf_disabled is about: 0 lets everybody make maps and load socket filters. */
const BY_SYSCTL: ReadonlySet<CommandName> = new Set(['MAP_CREATE', 'PROG_LOAD', 'BTF_LOAD']);

function sysctl(command: CommandName): string {
  if (!BY_SYSCTL.has(command)) return '';
  const value = read('/proc/sys/kernel/unprivileged_bpf_disabled').trim();
  return value === '1' || value === '2' ? `, and sysctl kernel.unprivileged_bpf_disabled is ${value}` : '';
}

/** What this process may do: its effective capabilities. */
export function heldCapabilities(): Set<Capability> {
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(read('/proc/self/status'))?.[1] ?? '0'}`);
  const names = Object.entries(CAPABILITIES) as [Capability, number][];
  return new Set(names.filter(([, bit]) => (mask >> BigInt(bit)) & 1n).map(([name]) => name));
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
