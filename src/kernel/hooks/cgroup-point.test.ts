import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BpfError } from '../../base/errors.ts';
import { assemble, encode } from '../../isa/index.ts';
import { Bpf, type Kernel } from '../../sys/index.ts';
import { BPF_F_ALLOW_MULTI, BPF_F_QUERY_EFFECTIVE } from '../../uapi/flags.ts';
import * as C from '../../uapi/generated/constants.ts';
import { createKernel, type EmbeddedKernel } from '../index.ts';

let embedded: EmbeddedKernel;
let kernel: Kernel;
let bpf: Bpf;
let child: bigint;
beforeEach(() => {
  embedded = createKernel();
  child = embedded.world.cgroups.add('/parent/child').id;
  kernel = embedded.open({ pid: 1, comm: 'test' });
  bpf = new Bpf(kernel);
});
afterEach(() => kernel.close());

async function load(type: number, attachType: number, code: string): Promise<number> {
  const { ret } = await kernel.bpf('PROG_LOAD', {
    prog_type: type,
    expected_attach_type: attachType,
    insns: encode(assemble(code)),
    license: 'GPL',
  });
  return ret;
}

const cgroup = (path: string): Promise<number> => kernel.openCgroup(`/sys/fs/cgroup${path}`);

async function attach(prog: number, path: string, attachType: number, flags = BPF_F_ALLOW_MULTI): Promise<void> {
  await kernel.bpf('PROG_ATTACH', {
    target_fd: await cgroup(path),
    attach_bpf_fd: prog,
    attach_type: attachType,
    attach_flags: flags,
  });
}

describe('a place of a cgroup', () => {
  it('runs its programs and those above it, and refuses where one does', async () => {
    // Refuses port 25 (network order); notes in the port's upper half that it ran.
    const place = C.BPF_CGROUP_INET4_CONNECT;
    const guard = await load(
      C.BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
      place,
      'r2 = *(u32 *)(r1 +24)\nr0 = 1\nif r2 != 0x1900 goto pc+1\nr0 = 0\nexit',
    );
    const redirect = await load(C.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, place, '*(u32 *)(r1 +4) = 0x0100007f\nr0 = 1\nexit');
    await attach(guard, '/parent', place);
    await attach(redirect, '/parent/child', place);
    const hook = embedded.hooks.cgroup(child, 'cgroup_inet4_connect');
    expect(hook.attached).toBe(true);
    const connect = (port: number) => {
      const context = new Uint8Array(72); // struct bpf_sock_addr
      new DataView(context.buffer).setUint32(24, port, false);
      new DataView(context.buffer).setUint32(24, (port & 0xff) << 8, true);
      const { retval, context: after } = hook.run(context);
      return { retval, address: new DataView(after.buffer).getUint32(4, false) };
    };
    expect(connect(80)).toEqual({ retval: 0, address: 0x7f000001 });
    expect(connect(25)).toEqual({ retval: -1, address: 0x7f000001 });
    expect(embedded.hooks.cgroup(1n, 'cgroup_inet4_connect').run(new Uint8Array(72)).retval).toBe(0);
  });

  it('keeps an errno that a program sets for the next one to see', async () => {
    const place = C.BPF_CGROUP_DEVICE;
    const sets = await load(C.BPF_PROG_TYPE_CGROUP_DEVICE, place, 'r1 = -13\ncall bpf_set_retval#187\nr0 = 1\nexit');
    const refuses = await load(C.BPF_PROG_TYPE_CGROUP_DEVICE, 0, 'r0 = 0\nexit');
    await attach(sets, '/parent/child', place);
    await attach(refuses, '/parent', place);
    expect(embedded.hooks.cgroup(child, 'cgroup_device').run(new Uint8Array(12)).retval).toBe(-13);
  });

  it('is listed with what is attached, and what has effect', async () => {
    const prog = await load(C.BPF_PROG_TYPE_CGROUP_SYSCTL, 0, 'r0 = 1\nexit');
    await attach(prog, '/parent', C.BPF_CGROUP_SYSCTL);
    const query = async (path: string, query_flags: number) => {
      const where = { target_fd: await cgroup(path), attach_type: C.BPF_CGROUP_SYSCTL };
      return (await kernel.bpf('PROG_QUERY', { ...where, query_flags, prog_ids: 64 })).prog_cnt;
    };
    expect([await query('/parent', 0), await query('/parent/child', 0)]).toEqual([1, 0]);
    expect(await query('/parent/child', BPF_F_QUERY_EFFECTIVE)).toBe(1);
  });

  it('takes links, and programs that were verified for it only', async () => {
    const prog = await load(C.BPF_PROG_TYPE_CGROUP_SOCKOPT, C.BPF_CGROUP_GETSOCKOPT, 'r0 = 1\nexit');
    const target_fd = await cgroup('/parent');
    const link = await bpf.linkCreate({ prog_fd: prog, target_fd, attach_type: C.BPF_CGROUP_GETSOCKOPT });
    expect(embedded.hooks.cgroup(child, 'cgroup_getsockopt').attached).toBe(true);
    await kernel.closeFd(link);
    expect(embedded.hooks.cgroup(child, 'cgroup_getsockopt').attached).toBe(false);
    const wrong = bpf.linkCreate({ prog_fd: prog, target_fd, attach_type: C.BPF_CGROUP_SETSOCKOPT });
    await expect(wrong).rejects.toThrow('Invalid argument');
  });

  it('of packets is no place to call', () => {
    expect(() => embedded.hooks.cgroup(child, 'cgroup_inet_ingress')).toThrow(BpfError);
    expect(() => embedded.hooks.cgroup(child, 'tcx_ingress')).toThrow(BpfError);
  });
});
