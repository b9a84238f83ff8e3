import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { packBtf } from '../../../tools/generate/pack-btf.ts';
import { bytesEqual } from '../../base/bytes.ts';
import { BtfError } from '../../base/errors.ts';
import { REFERENCE_KERNEL } from '../../uapi/reference.ts';
import type { Btf } from '../btf.ts';
import { BtfBuilder } from '../build.ts';
import { parseBtf } from '../read.ts';
import { loadReferenceBtfBytes } from './index.ts';
import { unpackBtf } from './unpack.ts';

let btf: Btf;
beforeAll(async () => {
  btf = parseBtf(await loadReferenceBtfBytes());
});

describe('the BTF of the reference kernel', () => {
  test('has the structures that programs read', () => {
    for (const name of ['task_struct', 'sock', 'sk_buff', 'file', 'inode', 'cgroup', 'linux_binprm', 'pt_regs']) {
      expect(btf.find(name, 'struct'), name).not.toBe(0);
    }
    const task = btf.type(btf.find('task_struct', 'struct'))!;
    expect(task.kind === 'struct' && task.members.some((m) => m.name === 'comm')).toBe(true);
  });

  test('has what programs attach to: functions, tracepoints, iterators, security hooks, struct_ops', () => {
    for (const name of ['do_sys_openat2', 'bpf_iter_task', 'bpf_lsm_file_open', 'tcp_v4_connect']) {
      expect(btf.find(name, 'func'), name).not.toBe(0);
    }
    expect(btf.find('btf_trace_sched_switch', 'typedef')).not.toBe(0);
    expect(btf.find('bpf_struct_ops_tcp_congestion_ops', 'struct')).not.toBe(0);
  });

  test('keeps the tags of kfuncs on their functions', () => {
    const tagged = new Set<string>();
    for (let id = 1; id < btf.count; id++) {
      const type = btf.type(id)!;
      if (type.kind === 'decl_tag' && type.name === 'bpf_kfunc') tagged.add(btf.type(type.type)!.name);
    }
    expect(tagged).toContain('bpf_rcu_read_lock');
    expect(tagged).toContain('bpf_task_from_pid');
    expect(tagged.size).toBeGreaterThan(150);
  });

  test('has the per-CPU variables and their section', () => {
    const section = btf.type(btf.find('.data..percpu', 'datasec'));
    expect(section?.kind === 'datasec' && section.vars.length).toBeGreaterThan(100);
  });

  test('is the same each time it is loaded', async () => {
    expect(bytesEqual(await loadReferenceBtfBytes(), btf.bytes)).toBe(true);
  });
});

describe('unpackBtf', () => {
  const small = (): Uint8Array => {
    const builder = new BtfBuilder();
    const int = builder.int('int', 4, 'signed');
    const proto = builder.add({ kind: 'func_proto', name: '', ret: int, params: [{ name: 'a', type: int }] });
    builder.struct('s', 8, [
      ['a', int, 0],
      ['b', int, 4],
    ]);
    builder.add({ kind: 'enum', name: 'e', size: 4, signed: true, values: [{ name: 'MINUS', value: -1 }] });
    for (const name of ['do_one', 'do_two']) builder.add({ kind: 'func', name, type: proto, linkage: 0 });
    return packBtf(parseBtf(builder.build()));
  };

  test('gives back what was packed', () => {
    const back = parseBtf(unpackBtf(small()));
    expect(back.count).toBe(7);
    expect(text(back, back.find('s', 'struct'))).toContain('"bitOffset":32');
    expect(back.type(back.find('e', 'enum'))).toMatchObject({ values: [{ name: 'MINUS', value: -1 }] });
    expect(back.type(back.find('do_two', 'func'))).toMatchObject({ type: 2 });
  });

  test('answers bytes or a BtfError for damaged bytes', () => {
    const good = small();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 }),
        fc.nat(3),
        (edits, cut) => {
          const bytes = good.slice(0, good.length - cut);
          for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
          try {
            unpackBtf(bytes);
          } catch (e) {
            if (!(e instanceof BtfError)) throw e;
          }
        },
      ),
    );
  });
});

const KERNEL_BTF = '/sys/kernel/btf/vmlinux';
const isReference = existsSync(KERNEL_BTF) && release().startsWith(REFERENCE_KERNEL.release);

describe.skipIf(!isReference)('beside the BTF of the running reference kernel', () => {
  test('has the same types under the same ids', () => {
    const kernel = parseBtf(readFileSync(KERNEL_BTF));
    expect(btf.count).toBe(kernel.count);
    const different: number[] = [];
    for (let id = 1; id < kernel.count; id++) if (text(btf, id) !== text(kernel, id)) different.push(id);
    expect(different).toEqual([]);
  });
});

function text(from: Btf, id: number): string {
  return JSON.stringify(from.type(id), (_key, value) => (typeof value === 'bigint' ? `${value}n` : value));
}
