import { beforeAll, describe, expect, it } from 'vitest';
import { type Btf, loadReferenceBtfBytes, parseBtf } from '../../btf/index.ts';
import { verify } from '../verify.ts';

let kernel: Btf;
beforeAll(async () => {
  kernel = parseBtf(await loadReferenceBtfBytes());
});

const TRACEPOINT = 5;
const SCHED_CLS = 3;
const SYSCALL = 31;

/** One instruction: opcode, registers, offset, immediate; a text is a call of that kernel function. */
type Insn = readonly [code: number, dst: number, src: number, off: number, imm: number] | string;

const exit: Insn = [0x95, 0, 0, 0, 0];
const movImm = (dst: number, imm: number): Insn => [0xb7, dst, 0, 0, imm];
const mov = (dst: number, src: number): Insn => [0xbf, dst, src, 0, 0];
const add = (dst: number, imm: number): Insn => [0x07, dst, 0, 0, imm];
/** r(dst) = fp + off */
const stack = (dst: number, off: number): readonly Insn[] => [mov(dst, 10), add(dst, off)];
const jumpIfZero = (dst: number, off: number): Insn => [0x15, dst, 0, off, 0];
const helper = (id: number): Insn => [0x85, 0, 0, 0, id];

function check(insns: readonly Insn[], progType = TRACEPOINT, flags = 0) {
  const bytes = new Uint8Array(insns.length * 8);
  const dv = new DataView(bytes.buffer);
  for (const [k, insn] of insns.entries()) {
    const [code, dst, src, off, imm] =
      typeof insn === 'string' ? ([0x85, 0, 2, 0, kernel.find(insn, 'func')] as const) : insn;
    bytes[k * 8] = code;
    bytes[k * 8 + 1] = dst | (src << 4);
    dv.setInt16(k * 8 + 2, off, true);
    dv.setInt32(k * 8 + 4, imm, true);
  }
  const result = verify({
    insns: bytes,
    name: 'x',
    progType,
    attachType: 0,
    flags,
    gplCompatible: true,
    mapByFd: () => undefined,
    kernelBtf: () => kernel,
    logLevel: 2,
  });
  const lines = result.log.trimEnd().split('\n');
  return { ok: result.ok, last: lines.at(-2), log: result.log };
}

const newNum = [...stack(1, -8), movImm(2, 0), movImm(3, 10), 'bpf_iter_num_new'] as const;
const nextNum = [...stack(1, -8), 'bpf_iter_num_next'] as const;
const destroyNum = [...stack(1, -8), 'bpf_iter_num_destroy'] as const;

describe('calls of kernel functions', () => {
  it('are refused by program type', () => {
    const { ok, last } = check(['bpf_cpumask_create', movImm(0, 0), exit], SCHED_CLS);
    expect(ok).toBe(false);
    expect(last).toBe('calling kernel function bpf_cpumask_create is not allowed');
  });

  it('that sleep are refused in programs that do not', () => {
    const { last } = check([movImm(1, 0), movImm(2, 0), 'bpf_lookup_user_key', exit]);
    expect(last).toBe('program must be sleepable to call sleepable kfunc bpf_lookup_user_key');
  });

  it('acquire what must be released', () => {
    const { last, log } = check(['bpf_cpumask_create', movImm(0, 0), exit]);
    expect(log).toContain('R0=ptr_or_null_bpf_cpumask(id=2,ref_obj_id=2) refs=2');
    expect(log).toContain('Unreleased reference id=2 alloc_insn=0\n');
    expect(last).toBe('BPF_EXIT instruction in main prog would lead to reference leak');
  });

  it('release what was acquired, after the check for NULL', () => {
    const { ok } = check([
      'bpf_cpumask_create',
      jumpIfZero(0, 2),
      mov(1, 0),
      'bpf_cpumask_release',
      movImm(0, 0),
      exit,
    ]);
    expect(ok).toBe(true);
  });

  it('want no pointer that may be NULL where they trust their arguments', () => {
    const { last } = check(['bpf_cpumask_create', mov(1, 0), 'bpf_cpumask_release', movImm(0, 0), exit]);
    expect(last).toBe('Possibly NULL pointer passed to trusted arg0');
  });

  it('want the structure that their prototype names', () => {
    const { last } = check(['bpf_cpumask_create', jumpIfZero(0, 2), mov(1, 0), 'bpf_task_release', movImm(0, 0), exit]);
    expect(last).toBe(
      'kernel function bpf_task_release args#0 expected pointer to STRUCT task_struct but R1 has a pointer to STRUCT bpf_cpumask',
    );
  });

  it('do not take a pointer that was released', () => {
    const { ok } = check([
      'bpf_cpumask_create',
      jumpIfZero(0, 5),
      mov(6, 0),
      mov(1, 0),
      'bpf_cpumask_release',
      mov(1, 6),
      'bpf_cpumask_release',
      movImm(0, 0),
      exit,
    ]);
    expect(ok).toBe(false);
  });
});

describe('open-coded iterators', () => {
  it('converge in a loop that ends with the iterator', () => {
    const { ok, log } = check([
      ...newNum,
      ...nextNum,
      jumpIfZero(0, 1),
      [0x05, 0, 0, -5, 0],
      ...destroyNum,
      movImm(0, 0),
      exit,
    ]);
    expect(ok).toBe(true);
    expect(log).toContain('fp-8=iter_num(ref_id=1,state=active,depth=0)');
    expect(log).toContain('fp-8=iter_num(ref_id=1,state=drained,depth=');
  });

  it('must be destroyed', () => {
    const { last } = check([...newNum, movImm(0, 0), exit]);
    expect(last).toBe('BPF_EXIT instruction in main prog would lead to reference leak');
  });

  it('must be made before they are advanced', () => {
    const { last } = check([...nextNum, movImm(0, 0), exit]);
    expect(last).toBe('expected an initialized iter_num as arg #0');
  });

  it('are not made twice in one place', () => {
    const { last } = check([...newNum, ...newNum, movImm(0, 0), exit]);
    expect(last).toBe('expected uninitialized iter_num as arg #0');
  });

  it('are lost where the stack under them is written', () => {
    const { last } = check([...newNum, [0x7a, 10, 0, -8, 0], ...destroyNum, movImm(0, 0), exit]);
    expect(last).toBe('expected an initialized iter_num as arg #0');
  });
});

describe('sections', () => {
  it('of RCU end before the program does', () => {
    const { last } = check(['bpf_rcu_read_lock', movImm(0, 0), exit]);
    expect(last).toBe('BPF_EXIT instruction in main prog cannot be used inside bpf_rcu_read_lock-ed region');
  });

  it('of RCU are not closed twice', () => {
    const { last } = check(['bpf_rcu_read_unlock', movImm(0, 0), exit]);
    expect(last).toBe('unmatched rcu read unlock (kernel function bpf_rcu_read_unlock)');
  });

  it('without preemption end before the program does', () => {
    const { last } = check(['bpf_preempt_disable', movImm(0, 0), exit]);
    expect(last).toBe('BPF_EXIT instruction in main prog cannot be used inside bpf_preempt_disable-ed region');
  });

  it('hold no helper that sleeps', () => {
    const copyFromUser = [...stack(1, -8), movImm(2, 8), movImm(3, 0), helper(148)] as const;
    const { last } = check(
      ['bpf_rcu_read_lock', ...copyFromUser, 'bpf_rcu_read_unlock', movImm(0, 0), exit],
      SYSCALL,
      16,
    );
    expect(last).toBe('sleepable helper bpf_copy_from_user#148 in rcu_read_lock region');
  });
});

describe('exceptions', () => {
  it('end the program with their cookie', () => {
    expect(check([movImm(1, 0), 'bpf_throw', exit]).ok).toBe(true);
  });

  it('leave nothing held', () => {
    const { last } = check(['bpf_cpumask_create', movImm(1, 0), 'bpf_throw', movImm(0, 0), exit]);
    expect(last).toBe('bpf_throw would lead to reference leak');
  });
});
