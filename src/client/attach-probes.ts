/** Attaching to functions of the kernel and of programs: one at a time through a perf event, or many with one link. */
import { view } from '../base/bytes.ts';
import { ENOENT } from '../base/errno.ts';
import { BpfError } from '../base/errors.ts';
import { fileFunctions } from '../object/index.ts';
import { Bpf } from '../sys/index.ts';
import { link, onEvent } from './attach-link.ts';
import { AttachError, type AttachOptions, type UprobeTarget } from './attach-options.ts';
import { KernelTypes } from './kernel-types.ts';
import type { BpfLink } from './link.ts';
import type { BpfProgram } from './program.ts';
import { openTarget } from './target-file.ts';

/** BPF_F_KPROBE_MULTI_RETURN and BPF_F_UPROBE_MULTI_RETURN. */
const RETURN = 1;

export function probe(
  program: BpfProgram,
  options: AttachOptions,
  kind: 'kprobe' | 'kretprobe',
  at: string,
): Promise<BpfLink> {
  const m = /^([^+]+)(?:\+(0x[0-9a-fA-F]+|\d+))?$/.exec(at);
  if (!m) throw new AttachError(program, `the section names no function; write SEC("${kind}/FUNCTION")`);
  return onEvent(program, { kind, symbol: m[1]!, offset: Number(m[2] ?? 0) }, options.cookie);
}

/** What the functions behind system calls are called: on x86-64, on arm64, and where they have no wrapper. */
const WRAPPERS = ['__x64_sys_', '__arm64_sys_', '__se_sys_'] as const;

/** SEC("ksyscall/NAME"), SEC("kretsyscall/NAME"): the first of the functions that the kernel has. */
export async function systemCall(
  program: BpfProgram,
  options: AttachOptions,
  kind: 'kprobe' | 'kretprobe',
): Promise<BpfLink> {
  const { attachTo } = program.origin;
  if (attachTo === '') throw new AttachError(program, 'the section names no system call; write SEC("ksyscall/openat")');
  for (const wrapper of WRAPPERS) {
    try {
      return await probe(program, options, kind, wrapper + attachTo);
    } catch (error) {
      if (!(error instanceof BpfError) || error.errno !== ENOENT) throw error;
    }
  }
  throw new AttachError(program, `this kernel has no system call '${attachTo}'`);
}

/** SEC("kprobe.multi/PATTERN") and its relatives. The names come from the kernel's list, or else from its types. */
export async function manyProbes(program: BpfProgram, options: AttachOptions, onReturn: boolean): Promise<BpfLink> {
  const functions = options.functions ?? (await kernelFunctions(program, program.origin.attachTo));
  return link(program, {
    attach_type: program.origin.attachType,
    kprobe_multi_flags: onReturn ? RETURN : 0,
    kprobe_multi_cnt: functions.length,
    kprobe_multi_syms: [...functions],
    ...cookies('kprobe_multi_cookies', options.cookie, functions.length),
  });
}

async function kernelFunctions(program: BpfProgram, pattern: string): Promise<string[]> {
  if (pattern === '') {
    throw new AttachError(program, 'the section names no function; say them as attach({ functions })', 'functions');
  }
  if (!/[*?]/.test(pattern)) return [pattern];
  const listed = await program.kernel.traceableFunctions?.();
  const names = new Set((listed ?? (await typedFunctions(program))).filter(matcher(pattern)));
  if (names.size > 0) return [...names];
  const known = listed ? 'of available_filter_functions in the trace file system' : 'in the types of the kernel';
  throw new AttachError(program, `no function ${known} matches '${pattern}'`, 'functions');
}

/** Functions that the kernel's BTF has: more than can be probed, and not all that can. */
async function typedFunctions(program: BpfProgram): Promise<string[]> {
  const btf = await new KernelTypes(new Bpf(program.kernel)).btf();
  const names: string[] = [];
  for (let id = 1; id < btf.count; id++) {
    const type = btf.type(id);
    if (type?.kind === 'func') names.push(type.name);
  }
  return names;
}

/** SEC("uprobe/FILE:FUNCTION+OFFSET"), SEC("uprobe/FILE:OFFSET"). */
export async function userProbe(
  program: BpfProgram,
  options: AttachOptions,
  kind: 'uprobe' | 'uretprobe',
): Promise<BpfLink> {
  const { path, pid, offsets } = await userPlaces(program, options);
  const place = { kind, path, offset: offsets[0]! };
  return onEvent(program, { ...place, ...(pid === undefined ? {} : { pid }) }, options.cookie);
}

/** SEC("uprobe.multi/FILE:PATTERN") and its relatives. */
export async function manyUserProbes(program: BpfProgram, options: AttachOptions, onReturn: boolean): Promise<BpfLink> {
  const { path, pid, offsets } = await userPlaces(program, options);
  return link(program, {
    attach_type: program.origin.attachType,
    uprobe_multi_flags: onReturn ? RETURN : 0,
    uprobe_multi_path: path,
    uprobe_multi_cnt: offsets.length,
    uprobe_multi_offsets: u64s(offsets.map(BigInt)),
    uprobe_multi_pid: pid ?? 0,
    ...cookies('uprobe_multi_cookies', options.cookie, offsets.length),
  });
}

interface UserTarget extends UprobeTarget {
  readonly path: string;
  readonly offset: number;
}

/** What the section says, with what the caller says over it. */
function userTarget(program: BpfProgram, { uprobe = {} }: AttachOptions): UserTarget {
  const { attachTo, section } = program.origin;
  const said = /^(.+):(?:(0x[0-9a-fA-F]+|\d+)|([^:+]+)(?:\+(0x[0-9a-fA-F]+|\d+))?)$/.exec(attachTo);
  const [, path, place, symbol, within] = said ?? [];
  const target = { path, offset: Number(place ?? within ?? 0), ...(symbol === undefined ? {} : { symbol }), ...uprobe };
  if (target.path !== undefined && (target.symbol !== undefined || target.offset > 0)) {
    return { ...target, path: target.path };
  }
  const word = section.split('/')[0];
  throw new AttachError(
    program,
    `say the file, and what in it: SEC("${word}//path/to/file:function") or attach({ uprobe: { path, symbol } })`,
    'uprobe',
  );
}

/** The places that the target means, at least one, in bytes from the start of the file. */
async function userPlaces(
  program: BpfProgram,
  options: AttachOptions,
): Promise<{ path: string; pid: number | undefined; offsets: number[] }> {
  const { path: name, pid, symbol, offset, buildId } = userTarget(program, options);
  // An offset into a file that is named by its path is a place as it is.
  if (symbol === undefined && buildId === undefined && name.includes('/'))
    return { path: name, pid, offsets: [offset] };
  const { path, file } = await openTarget(program, options, name, buildId);
  if (symbol === undefined) return { path, pid, offsets: [offset] };
  const found = fileFunctions(file, matcher(symbol));
  if (found.length === 0) throw new AttachError(program, `${path} has no function '${symbol}'`);
  return { path, pid, offsets: found.map((place) => place.offset + offset) };
}

/** Accepts the names that a pattern with `*` and `?` means. */
function matcher(pattern: string): (name: string) => boolean {
  if (!/[*?]/.test(pattern)) return (name) => name === pattern;
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  const expression = new RegExp(`^${escaped.replace(/\*+/g, '.*').replaceAll('?', '.')}$`);
  return (name) => expression.test(name);
}

function cookies<K extends string>(field: K, cookie: bigint | undefined, count: number): { [field in K]?: Uint8Array } {
  if (cookie === undefined) return {};
  return { [field]: u64s(Array.from({ length: count }, () => cookie)) } as { [field in K]?: Uint8Array };
}

function u64s(values: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  const dv = view(bytes);
  for (const [i, value] of values.entries()) dv.setBigUint64(i * 8, value, true);
  return bytes;
}
