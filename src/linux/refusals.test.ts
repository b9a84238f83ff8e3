/** What is said of what does not work: older kernels, types that are left out, users that may not. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { u32 } from '../../test/support/linux-bpf.ts';
import { describeKernel } from '../../test/support/real-kernel.ts';
import { E2BIG, EINVAL } from '../base/errno.ts';
import { BpfError, UnsupportedError } from '../base/errors.ts';
import { loadSystem, type System } from '../native/index.ts';
import { ATTACH_TYPES, type AttachTypeName } from '../uapi/attach-types.ts';
import { type Attr, COMMANDS, type CommandName, type CommandRow } from '../uapi/commands.ts';
import * as C from '../uapi/generated/constants.ts';
import { ATTR_LAYOUTS } from '../uapi/generated/layouts.ts';
import { MAP_TYPES } from '../uapi/map-types.ts';
import { PROG_TYPES } from '../uapi/prog-types.ts';
import { BpfCalls } from './bpf-call.ts';
import { KernelFeatures } from './features.ts';

/** This kernel, made older: it has the commands below `commands`, and an attr of `attrSize` bytes. */
function olderSystem(commands: number, attrSize: number): System {
  const real = loadSystem();
  const attrs = new Map<number, Uint8Array>();
  return {
    ...real,
    addressOf(bytes) {
      const at = real.addressOf(bytes);
      attrs.set(at, bytes);
      return at;
    },
    bpf(command, at, size) {
      const bytes = attrs.get(at)!;
      if (bytes.subarray(attrSize, size).some((b) => b !== 0)) return -E2BIG;
      if (command < 0 || command >= commands) return -EINVAL;
      return real.bpf(command, at, Math.min(size, attrSize));
    },
  };
}

const refused = <N extends CommandName>(system: System, command: N, attr: Attr<N>): unknown => {
  try {
    new BpfCalls(system, () => false, 1).call(command, attr);
  } catch (error) {
    return error;
  }
  return undefined;
};

describeKernel('what an older kernel does not know', () => {
  it('is named with the Linux version that brought it, for commands', () => {
    const linux55 = olderSystem(COMMANDS.MAP_LOOKUP_BATCH.id, 120);
    const asked: readonly [CommandName, string][] = [
      ['LINK_CREATE', '5.7'],
      ['ENABLE_STATS', '5.8'],
      ['ITER_CREATE', '5.8'],
      ['PROG_BIND_MAP', '5.10'],
      ['TOKEN_CREATE', '6.9'],
      ['PROG_STREAM_READ_BY_FD', '6.17'],
    ];
    for (const [command, since] of asked) {
      const error = refused(linux55, command, {});
      expect(error).toBeInstanceOf(UnsupportedError);
      expect(error).toMatchObject({ feature: `BPF_${command}`, since });
    }
    expect(refused(linux55, 'PROG_TEST_RUN', { prog_fd: 0xffffffff })).toMatchObject({ code: 'EBADF' });
  });

  it('is named with the Linux version that brought it, for fields', () => {
    const linux510 = olderSystem(COMMANDS.TOKEN_CREATE.id, 120);
    const load = refused(linux510, 'PROG_LOAD', {
      prog_type: C.BPF_PROG_TYPE_SOCKET_FILTER,
      insns: new Uint8Array(8),
      license: 'GPL',
      fd_array: u32(1),
    });
    expect(load).toMatchObject({ feature: 'the field fd_array of BPF_PROG_LOAD', since: '5.14' });
    expect((load as Error).message).toContain('Linux has it since 5.14');
  });

  it('is not made up: this kernel has every command, and every field of them', () => {
    const features = new KernelFeatures(loadSystem());
    for (const [command, row] of Object.entries(COMMANDS) as [CommandName, CommandRow][]) {
      expect(features.hasCommand(command), command).toBe(true);
      for (const name of Object.keys(row.fields)) expect(features.hasField(command, name), name).toBe(true);
    }
  });

  it('includes attach types, whose names the text of its BTF has', () => {
    const features = new KernelFeatures(loadSystem());
    for (const name of Object.keys(ATTACH_TYPES) as AttachTypeName[]) {
      expect(features.hasAttachType(name), name).toBe(true);
    }
    const older = new KernelFeatures(loadSystem(), fileURLToPath(import.meta.url));
    expect(older.missingType('LINK_CREATE', { attach_type: C.BPF_TCX_INGRESS })).toBe(
      'this kernel has no attach type tcx_ingress; Linux has it since 6.6, where it is configured',
    );
    expect(new KernelFeatures(loadSystem(), '/nowhere').hasAttachType('xdp')).toBe(true);
  });

  it('is asked once', () => {
    let calls = 0;
    const real = olderSystem(5, ATTR_LAYOUTS.any.size);
    const features = new KernelFeatures({
      ...real,
      bpf: (...args) => {
        calls++;
        return real.bpf(...args);
      },
    });
    expect(features.hasCommand('LINK_CREATE')).toBe(false);
    const once = calls;
    for (let n = 0; n < 5; n++) expect(features.hasCommand('LINK_CREATE')).toBe(false);
    expect(calls).toBe(once);
  });

  it('includes types that are left out or unknown, and no type that is there', () => {
    const features = new KernelFeatures(loadSystem());
    const lacking = [
      ...Object.entries(MAP_TYPES).filter(([, row]) => !features.hasMapType(row.id)),
      ...Object.entries(PROG_TYPES).filter(([, row]) => !features.hasProgType(row.id)),
    ].map(([name]) => name);
    // What a configuration may leave out.
    for (const name of lacking) expect(['lirc_mode2', 'xskmap', 'stack_trace', 'inode_storage', 'lsm']).toContain(name);
    const system = loadSystem();
    const map = refused(system, 'MAP_CREATE', { map_type: 99, key_size: 4, value_size: 4, max_entries: 1 });
    expect(map).toMatchObject({ code: 'EINVAL', message: expect.stringContaining('no map type 99') });
    const insns = new Uint8Array([0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
    const prog = refused(system, 'PROG_LOAD', { prog_type: 99, insns, license: 'GPL' });
    expect(prog).toMatchObject({ code: 'EINVAL', message: expect.stringContaining('no program type 99') });
    // A mistake in a map of a type that is there is not the type's.
    const wrong = refused(system, 'MAP_CREATE', { map_type: C.BPF_MAP_TYPE_ARRAY, key_size: 3, max_entries: 1 });
    expect(wrong).toBeInstanceOf(BpfError);
    expect((wrong as Error).message).not.toContain('no map type');
  });
});

describe('an ordinary user', () => {
  it('is told which capability or sysctl is in the way', () => {
    if (process.getuid?.() !== 0) return;
    const script = fileURLToPath(new URL('../../test/support/ask-as-nobody.ts', import.meta.url));
    const words = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'];
    const { stdout, stderr } = spawnSync('setpriv', [...words, process.execPath, '--import', 'tsx', script], {
      encoding: 'utf8',
      env: { ...process.env, HOME: '/tmp' },
    });
    expect(stderr).toBe('');
    const said = JSON.parse(stdout) as Record<string, string>;
    expect(said['xdp']).toMatch(/user 65534 has no CAP_BPF and CAP_NET_ADMIN.*run as root/);
    expect(said['kprobe']).toMatch(/CAP_BPF and CAP_PERFMON/);
    expect(said['hash']).toMatch(/CAP_BPF/);
    expect(said['ids']).toMatch(/CAP_(SYS_ADMIN|BPF)/);
    expect(said['attachXdp']).toMatch(/CAP_NET_ADMIN/);
    expect(said['packets']).toMatch(/CAP_NET_RAW/);
    expect(said['tracepoint']).toMatch(/root|tracefs|mounted/);
    expect(said['event']).toMatch(/CAP_PERFMON|perf_event_paranoid/);
  });
});
