/**
 * Who may call which helper and kernel function: every pair is loaded on the machine's kernel, and the rows must agree.
 */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VerifierError } from '../../src/base/errors.ts';
import { type Btf, parseBtf } from '../../src/btf/index.ts';
import { assemble, encode } from '../../src/isa/index.ts';
import { openLinuxKernel } from '../../src/linux/index.ts';
import type { Kernel } from '../../src/sys/kernel.ts';
import { ATTACH_TYPES, type AttachTypeName } from '../../src/uapi/attach-types.ts';
import { type Callee, mayCall } from '../../src/uapi/call-access.ts';
import { HELPERS, type HelperRow } from '../../src/uapi/helpers.ts';
import { KFUNCS, type KfuncRow } from '../../src/uapi/kfuncs.ts';
import { PROG_TYPES, type ProgTypeName } from '../../src/uapi/prog-types.ts';
import { REFERENCE_KERNEL } from '../../src/uapi/reference.ts';
import { describeKernel } from '../support/real-kernel.ts';

/** Program types that this kernel loads, by the attach types that differ, and what they attach to. */
const PLACES: readonly (readonly [ProgTypeName, AttachTypeName?, string?])[] = [
  ['socket_filter'],
  ['kprobe'],
  ['kprobe', 'trace_kprobe_session'],
  ['sched_cls'],
  ['sched_act'],
  ['tracepoint'],
  ['xdp'],
  ['perf_event'],
  ['cgroup_skb', 'cgroup_inet_egress'],
  ['cgroup_sock', 'cgroup_inet_sock_create'],
  ['lwt_in'],
  ['lwt_out'],
  ['lwt_xmit'],
  ['sock_ops'],
  ['sk_skb'],
  ['cgroup_device'],
  ['sk_msg'],
  ['raw_tracepoint'],
  ['cgroup_sock_addr', 'cgroup_inet4_bind'],
  ['cgroup_sock_addr', 'cgroup_inet6_connect'],
  ['cgroup_sock_addr', 'cgroup_udp4_recvmsg'],
  ['cgroup_sock_addr', 'cgroup_unix_connect'],
  ['lwt_seg6local'],
  ['sk_reuseport'],
  ['flow_dissector'],
  ['cgroup_sysctl'],
  ['raw_tracepoint_writable'],
  ['cgroup_sockopt', 'cgroup_getsockopt'],
  ['cgroup_sockopt', 'cgroup_setsockopt'],
  ['sk_lookup', 'sk_lookup'],
  ['netfilter', 'netfilter'],
  ['tracing', 'trace_raw_tp', 'btf_trace_sched_switch'],
  ['tracing', 'trace_iter', 'bpf_iter_tcp'],
];

const isReference = release().startsWith(REFERENCE_KERNEL.release);

describeKernel('callables of the reference kernel', () => {
  let kernel: Kernel;
  let btf: Btf;
  beforeAll(async () => {
    kernel = await openLinuxKernel();
    btf = parseBtf(readFileSync('/sys/kernel/btf/vmlinux'));
  });
  afterAll(async () => kernel.close());

  /** Whether Linux knows the callee in such a program, whatever it then says about the arguments. */
  async function linuxAllows(
    type: ProgTypeName,
    attach: AttachTypeName | undefined,
    call: string,
    target: string | undefined,
  ): Promise<boolean> {
    try {
      const { ret } = await kernel.bpf('PROG_LOAD', {
        prog_type: PROG_TYPES[type].id,
        expected_attach_type: attach === undefined ? 0 : ATTACH_TYPES[attach].id,
        attach_btf_id: target === undefined ? 0 : btf.find(target, 'func', 'typedef'),
        insns: encode(assemble(`${call}; r0 = 0; exit`)),
        license: 'GPL',
        log_level: 1,
        log_buf: 4096,
      });
      await kernel.closeFd(ret);
      return true;
    } catch (e) {
      if (!(e instanceof VerifierError)) throw e;
      return !/cannot use helper|calling kernel function \S+ is not allowed|not allowed in probe/.test(e.log);
    }
  }

  async function disagreements(rows: [string, Callee, string][]): Promise<string[]> {
    const wrong: string[] = [];
    for (const [type, attach, target] of PLACES) {
      for (const [name, row, call] of rows) {
        const ours = mayCall(row, PROG_TYPES[type].id, attach === undefined ? 0 : ATTACH_TYPES[attach].id);
        const theirs = await linuxAllows(type, attach, call, target);
        if (ours !== theirs)
          wrong.push(`${name} in ${type} ${attach ?? ''}: Linux ${theirs ? 'allows' : 'forbids'} it`);
      }
    }
    return wrong;
  }

  test.skipIf(!isReference)('helpers', { timeout: 60_000 }, async () => {
    const rows = Object.entries(HELPERS).map(([name, row]: [string, HelperRow]): [string, Callee, string] => [
      name,
      row,
      `call ${row.id}`,
    ]);
    expect(await disagreements(rows)).toEqual([]);
  });

  test.skipIf(!isReference)('kernel functions', { timeout: 60_000 }, async () => {
    const rows = Object.entries(KFUNCS).map(([name, row]: [string, KfuncRow]): [string, Callee, string] => [
      name,
      row,
      `call kfunc#${btf.find(name, 'func')}`,
    ]);
    expect(await disagreements(rows)).toEqual([]);
  });
});
