/**
 * What Linux wants in each argument of each helper. Every argument is given an unknown number, then zero, then read-only
 * memory, behind good arguments before it; what the verifier says must be what the row's kind says.
 */
import { release } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VerifierError } from '../../src/base/errors.ts';
import { parseBtf } from '../../src/btf/index.ts';
import { loadReferenceBtfBytes } from '../../src/btf/reference/index.ts';
import { assemble, encode } from '../../src/isa/index.ts';
import { openLinuxKernel } from '../../src/linux/index.ts';
import type { Kernel } from '../../src/sys/kernel.ts';
import { ATTACH_TYPES, type AttachTypeName } from '../../src/uapi/attach-types.ts';
import { mayCall } from '../../src/uapi/call-access.ts';
import { BPF_F_RDONLY_PROG, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_RINGBUF } from '../../src/uapi/generated/constants.ts';
import { HELPERS, type HelperName, type HelperRow } from '../../src/uapi/helpers.ts';
import { PROG_TYPES, type ProgTypeName } from '../../src/uapi/prog-types.ts';
import { REFERENCE_KERNEL } from '../../src/uapi/reference.ts';
import { describeKernel } from '../support/real-kernel.ts';

/** Where a helper is asked about: the first of these that may call it. */
const PLACES: readonly (readonly [ProgTypeName, AttachTypeName?])[] = [
  ['sched_cls'],
  ['socket_filter'],
  ['cgroup_skb', 'cgroup_inet_egress'],
  ['kprobe'],
  ['xdp'],
  ['perf_event'],
  ['sock_ops'],
  ['sk_skb'],
  ['sk_msg'],
  ['cgroup_sysctl'],
  ['cgroup_sock', 'cgroup_inet_sock_create'],
  ['cgroup_sock_addr', 'cgroup_inet4_connect'],
  ['cgroup_sockopt', 'cgroup_setsockopt'],
  ['cgroup_device'],
  ['lwt_in'],
  ['lwt_xmit'],
  ['lwt_seg6local'],
  ['sk_reuseport'],
  ['sk_lookup', 'sk_lookup'],
];

const MEMORY = 'fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_';
const SOCKET = 'sock_common, sock, tcp_sock, xdp_sock';
const BTF_SOCKET = `${SOCKET}, ptr_, trusted_ptr_`;
const DYNPTR = 'fp, dynptr_ptr';

/** Kind without its parameter -> the register types that Linux lists when it gets a number. */
const EXPECTED: Readonly<Record<string, string>> = {
  ctx: 'ctx',
  ctx_or_null: 'ctx',
  const_map_ptr: 'map_ptr',
  map_key: MEMORY,
  map_value: MEMORY,
  map_value_or_null: MEMORY,
  uninit_map_value: MEMORY,
  mem: MEMORY,
  mem_or_null: MEMORY,
  write_mem: MEMORY,
  write_mem_or_null: MEMORY,
  uninit_mem: MEMORY,
  fixed_mem: MEMORY,
  write_fixed_mem: MEMORY,
  uninit_fixed_mem: MEMORY,
  const_str: 'map_value',
  func: 'func',
  spin_lock: 'map_value, ptr_',
  timer: 'map_value',
  kptr_xchg_dest: 'map_value, ptr_',
  sock_common: SOCKET,
  socket_or_null: 'sock',
  btf_id_sock_common: BTF_SOCKET,
  btf_id_sock_common_or_null: BTF_SOCKET,
  btf_id_sock_common_release: BTF_SOCKET,
  btf_id: 'ptr_, trusted_ptr_, rcu_ptr_',
  btf_id_or_null: 'ptr_, trusted_ptr_, rcu_ptr_',
  percpu_btf_id: 'percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_',
  ringbuf_mem_release: 'ringbuf_mem',
  dynptr: DYNPTR,
  const_dynptr: DYNPTR,
  uninit_dynptr: DYNPTR,
  dynptr_release: DYNPTR,
};

/** Code that puts a good value of the kind into a register; undefined where none is at hand. */
function good(kind: string, r: number): string | undefined {
  const [base, parameter] = kind.split(':');
  if (/_or_null(_release)?$/.test(base!) && !/^(mem|write_mem|ctx)/.test(base!)) return `r${r} = 0`;
  if (EXPECTED[base!] === MEMORY) return `r${r} = r10; r${r} += -64`;
  if (base!.startsWith('const_size') || base === 'const_alloc_size_or_zero') return `r${r} = 8`;
  if (base === 'anything') return `r${r} = 0`;
  if (base!.startsWith('ctx')) return `r${r} = r6`;
  if (base === 'const_map_ptr') return `r${r} = map[map]`;
  if (base === 'const_str') return `r${r} = map[text][0]+0`;
  if (base === 'btf_id' && parameter === 'task_struct') return `r${r} = r8`;
  if (base === 'sock_common' || base === 'btf_id_sock_common') return `r${r} = r9`;
  return undefined;
}

const usesSocket = (kinds: readonly string[]): boolean => kinds.some((k) => /^(btf_id_)?sock_common$/.test(k));

/** A program that calls the helper with good arguments before number `at`, and `value` in that one. */
function programText(row: HelperRow, at: number, value: string): string | undefined {
  const before = row.args.slice(0, at).map((kind, i) => good(kind, i + 1));
  if (before.includes(undefined)) return undefined;
  const after: string[] = [];
  for (let i = at + 1; i < 5; i++)
    after.push(/^const_size/.test(row.args[i] ?? '') ? `r${i + 1} = 8` : `r${i + 1} = r7`);
  const zeroed = Array.from({ length: 8 }, (_, i) => `*(u64 *)(r10 -${8 * (i + 1)}) = 0`);
  const socket = usesSocket(row.args.slice(0, at)) ? 'r9 = *(u64 *)(r6 +168); if r9 == 0 goto out' : '';
  return `
    r6 = r1
    call get_current_task_btf; r8 = r0
    call get_prandom_u32; r7 = r0
    ${zeroed.join(';')}
    ${socket}
    ${before.join(';')}
    ${value}
    ${after.join(';')}
    call ${row.id}
    out: r0 = 0; exit`;
}

describeKernel('arguments of helpers', () => {
  let kernel: Kernel;
  const maps: Record<string, number> = {};
  beforeAll(async () => {
    kernel = await openLinuxKernel();
    const array = { map_type: BPF_MAP_TYPE_ARRAY, key_size: 4, value_size: 64, max_entries: 1 };
    maps['array'] = (await kernel.bpf('MAP_CREATE', array)).ret;
    maps['ring'] = (await kernel.bpf('MAP_CREATE', { map_type: BPF_MAP_TYPE_RINGBUF, max_entries: 4096 })).ret;
    maps['text'] = (await kernel.bpf('MAP_CREATE', { ...array, map_flags: BPF_F_RDONLY_PROG })).ret;
    await kernel.bpf('MAP_FREEZE', { map_fd: maps['text'] });
  });
  afterAll(async () => kernel.close());

  /** What Linux says last, '' for a program it takes. */
  async function verdict(place: (typeof PLACES)[number], text: string, name: HelperName): Promise<string> {
    const [type, attach] = place;
    const map = name.startsWith('ringbuf') ? maps['ring']! : maps['array']!;
    try {
      const { ret } = await kernel.bpf('PROG_LOAD', {
        prog_type: PROG_TYPES[type].id,
        expected_attach_type: attach === undefined ? 0 : ATTACH_TYPES[attach].id,
        insns: encode(assemble(text, { maps: { map, text: maps['text']! } })),
        license: 'GPL',
        log_level: 1,
        log_buf: 65536,
      });
      await kernel.closeFd(ret);
      return '';
    } catch (e) {
      if (!(e instanceof VerifierError)) throw e;
      return e.log;
    }
  }

  /** How Linux disagrees with the kind of one argument; '' where it agrees, undefined where it cannot be asked. */
  async function disagreement(name: HelperName, row: HelperRow, at: number): Promise<string | undefined> {
    const place = PLACES.find(
      ([type, attach]) =>
        (type === 'sched_cls' || type === 'cgroup_skb' || !usesSocket(row.args)) &&
        !row.variants?.some((v) => v.in.includes(type)) &&
        mayCall(row, PROG_TYPES[type].id, attach === undefined ? 0 : ATTACH_TYPES[attach].id),
    );
    const r = at + 1;
    const kind = row.args[at] ?? 'anything';
    const base = kind.split(':')[0]!;
    const number = programText(row, at, `r${r} = r7`);
    if (place === undefined || number === undefined || row.mightSleep) return undefined;
    if (row.args.slice(0, at).includes('func') && base !== 'anything') return undefined;
    const log = await verdict(place, number, name);
    const says = (what: string) => `argument ${r} is ${kind}, but Linux says ${what}`;
    const about = (text: string) => new RegExp(`^R${r} .*`, 'm').exec(text)?.[0];
    if (base === 'anything') return about(log) === undefined ? '' : says(about(log)!);
    const zero = await verdict(place, programText(row, at, `r${r} = 0`)!, name);
    if (base.startsWith('const_')) {
      if (base === 'const_alloc_size_or_zero') return log.includes('is not a known constant') ? '' : says(log);
      if (base.startsWith('const_size')) {
        if (!/unbounded memory access|min value is negative/.test(about(log) ?? '')) return says(log);
        const refused = zero.includes('invalid zero-sized');
        return refused === (base === 'const_size') ? '' : says(`zero is ${refused ? 'refused' : 'fine'}`);
      }
    }
    const listed = about(log)?.replace(`R${r} type=scalar expected=`, '').trim();
    if (base === 'stack_or_null') return listed === 'fp' ? '' : says(log);
    if (listed !== EXPECTED[base]) return says(log);
    const takesZero = !new RegExp(`^R${r} type=scalar expected=(?!fp$)`, 'm').test(zero);
    if (takesZero !== base.includes('_or_null')) return says(`0 is ${takesZero ? 'fine' : 'refused'}`);
    if (EXPECTED[base] !== MEMORY) return '';
    const readOnly = await verdict(place, programText(row, at, `r${r} = map[text][0]+0`)!, name);
    const isWritten = readOnly.includes('write into map forbidden');
    if (isWritten !== /^(uninit|write)_/.test(base)) return says(`it is ${isWritten ? '' : 'not '}written`);
    return '';
  }

  const isReference = release().startsWith(REFERENCE_KERNEL.release);
  test.skipIf(!isReference)('are of the kinds that the rows say', { timeout: 60_000 }, async () => {
    const wrong: string[] = [];
    let asked = 0;
    for (const [name, row] of Object.entries(HELPERS) as [HelperName, HelperRow][]) {
      for (let at = 0; at < Math.min(row.args.length + 1, 5); at++) {
        const how = await disagreement(name, row, at);
        if (how !== undefined) asked++;
        if (how) wrong.push(`${name}: ${how}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(asked).toBeGreaterThan(480);
  });

  test('structures that arguments and answers name are in the reference BTF', async () => {
    const btf = parseBtf(await loadReferenceBtfBytes());
    for (const [name, row] of Object.entries(HELPERS) as [HelperName, HelperRow][]) {
      for (const kind of [...row.args, row.ret, ...(row.variants ?? []).flatMap((v) => v.args)]) {
        const struct = /btf_id(?:_or_null)?:(\w+)/.exec(kind)?.[1];
        if (struct !== undefined) expect(btf.find(struct, 'struct'), `${name}: ${struct}`).not.toBe(0);
      }
    }
  });
});
