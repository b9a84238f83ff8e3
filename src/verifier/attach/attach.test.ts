/**
 * Programs that Linux attaches to its functions and hooks. The development machine's kernel refuses to load them before
 * it verifies them, so what is asked here follows its documentation and its headers.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Btf, BtfBuilder, loadReferenceBtfBytes, parseBtf } from '../../btf/index.ts';
import { assemble, encode } from '../../isa/index.ts';
import { BPF_F_SLEEPABLE } from '../../uapi/flags.ts';
import * as c from '../../uapi/generated/constants.ts';
import type { VerifierInput } from '../program.ts';
import { verify } from '../verify.ts';

let kernel: Btf;
beforeAll(async () => {
  kernel = parseBtf(await loadReferenceBtfBytes());
});

const TRACING = c.BPF_PROG_TYPE_TRACING;
const LSM = c.BPF_PROG_TYPE_LSM;

interface Asked {
  readonly type: number;
  readonly attach: number;
  /** The kernel's function. */
  readonly to?: string;
  readonly flags?: number;
  readonly gpl?: boolean;
  readonly more?: Partial<VerifierInput>;
}

/** 'accepted', or the last message. */
function verdict(code: string, asked: Asked): string {
  const result = verify({
    insns: encode(assemble(code)),
    name: 'x',
    progType: asked.type,
    attachType: asked.attach,
    flags: asked.flags ?? 0,
    gplCompatible: asked.gpl ?? true,
    mapByFd: () => undefined,
    kernelBtf: () => kernel,
    ...(asked.to ? { attachBtfId: kernel.find(asked.to, 'func') } : {}),
    logLevel: 1,
    ...asked.more,
  });
  return result.ok ? 'accepted' : (result.log.trimEnd().split('\n').at(-2) ?? '');
}

const RETURN_0 = 'r0 = 0\nexit';
const answers = (number: number): string => `r0 = ${number}\nexit`;
/** Argument `index` is read, as 8 bytes, and what it points to, where `off` says so. */
const reads = (index: number, off?: number): string =>
  `r1 = *(u64 *)(r1 +${8 * index})\n${off === undefined ? '' : `r1 = *(u64 *)(r1 +${off})\n`}${RETURN_0}`;

// int do_unlinkat(int dfd, struct filename *name)
const UNLINK = 'do_unlinkat';
const at = (attach: number, to = UNLINK): Asked => ({ type: TRACING, attach, to });

describe('functions of the kernel', () => {
  it.each([
    ['fentry reads the arguments', reads(1, 0), at(c.BPF_TRACE_FENTRY), 'accepted'],
    ['fentry sees no answer', reads(2), at(c.BPF_TRACE_FENTRY), 'invalid bpf_context access off=16 size=8'],
    ['fentry answers 0', answers(1), at(c.BPF_TRACE_FENTRY), at0('smin=1 smax=1')],
    ['fexit sees the answer behind the arguments', reads(2), at(c.BPF_TRACE_FEXIT), 'accepted'],
    ['fexit sees nothing behind that', reads(3), at(c.BPF_TRACE_FEXIT), 'invalid bpf_context access off=24 size=8'],
    ['a context is not written', `*(u64 *)(r1 +0) = r1\n${RETURN_0}`, at(c.BPF_TRACE_FEXIT), refused(0)],
    [
      'an answer is changed where it is meant to be',
      answers(-13),
      at(c.BPF_MODIFY_RETURN, 'security_file_open'),
      'accepted',
    ],
    ['and not elsewhere', answers(-13), at(c.BPF_MODIFY_RETURN), 'do_unlinkat() is not modifiable'],
    [
      'there must be a function',
      RETURN_0,
      { type: TRACING, attach: c.BPF_TRACE_FENTRY },
      'Tracing programs must provide btf_id',
    ],
  ])('%s', (_what, code, asked, says) => {
    expect(verdict(code, asked)).toBe(says);
  });

  it('has structures in as many places as they take', () => {
    // struct timespec64 is 16 bytes: what follows it is two places on.
    const found = firstFunction((t) => t.kind === 'struct' && t.size === 16);
    expect(verdict(reads(found.index + 1), at(c.BPF_TRACE_FENTRY, found.name))).toBe('accepted');
  });

  it('is a function, not a structure', () => {
    const id = kernel.find('task_struct', 'struct');
    const asked = { ...at(c.BPF_TRACE_FENTRY), more: { attachBtfId: id } };
    expect(verdict(RETURN_0, asked)).toBe(`attach_btf_id ${id} is not a function`);
  });
});

function at0(what: string): string {
  return `At program exit the register R0 has ${what} should have been in [0, 0]`;
}
function refused(off: number): string {
  return `invalid bpf_context access off=${off} size=8`;
}

/** A function of the kernel of which an argument's type passes, and which argument that is. */
function firstFunction(passes: (t: ReturnType<Btf['type']> & object) => boolean): { name: string; index: number } {
  for (let id = 1; id < kernel.count; id++) {
    const func = kernel.type(id);
    const proto = func?.kind === 'func' ? kernel.type(func.type) : undefined;
    if (func?.kind !== 'func' || proto?.kind !== 'func_proto') continue;
    const index = proto.params.findIndex((p) => passes(kernel.type(p.type) ?? { kind: 'void', name: '' }));
    if (index >= 0 && index < 4) return { name: func.name, index };
  }
  throw new Error('the reference kernel has none');
}

const hook = (name: string, more: Partial<Asked> = {}): Asked => ({
  type: LSM,
  attach: c.BPF_LSM_MAC,
  to: `bpf_lsm_${name}`,
  ...more,
});
const inErrors = (what: string): string => `At program exit the register R0 has ${what} should have been in [-4095, 0]`;

describe('hooks of the LSM', () => {
  it.each([
    ['answer 0 or an error', answers(-1), hook('file_open'), 'accepted'],
    ['answer nothing else', answers(5), hook('file_open'), inErrors('smin=5 smax=5')],
    ['may give back what the programs before answered', 'r0 = *(u64 *)(r1 +8)\nexit', hook('file_open'), 'accepted'],
    ['may answer anything where the kernel asks for nothing', answers(77), hook('bprm_committed_creds'), 'accepted'],
    ['some say yes or no', answers(1), hook('inode_xattr_skipcap'), 'accepted'],
    [
      'of a cgroup say whether to go on',
      answers(2),
      hook('socket_bind', { attach: c.BPF_LSM_CGROUP }),
      'At program exit the register R0 has smin=2 smax=2 should have been in [0, 1]',
    ],
    [
      'hand out pointers to rely on',
      `r1 = *(u64 *)(r1 +0)\nr1 = *(u64 *)(r1 +16)\n${RETURN_0}`,
      hook('file_open'),
      'accepted',
    ],
    ['may sleep', RETURN_0, hook('file_open', { flags: BPF_F_SLEEPABLE }), 'accepted'],
    [
      'are for programs under the GPL',
      RETURN_0,
      hook('file_open', { gpl: false }),
      'LSM programs must have a GPL compatible license',
    ],
  ])('%s', (_what, code, asked, says) => {
    expect(verdict(code, asked)).toBe(says);
  });

  it('are functions of that kind', () => {
    const id = kernel.find(UNLINK, 'func');
    expect(verdict(RETURN_0, { type: LSM, attach: c.BPF_LSM_MAC, to: UNLINK })).toBe(
      `attach_btf_id ${id} points to wrong type name ${UNLINK}`,
    );
  });
});

/** `int FN(struct __sk_buff *, int)`, or with one parameter more. */
function types(linkage: number, extra = false): { btf: Btf; func: number } {
  const b = new BtfBuilder();
  const int = b.int('int', 4, 'signed');
  const skb = b.ptr(b.struct('__sk_buff', 192, []));
  const params = [{ name: 'skb', type: skb }, { name: 'x', type: int }, ...(extra ? [{ name: 'y', type: int }] : [])];
  const proto = b.add({ kind: 'func_proto', name: '', ret: int, params });
  const func = b.add({ kind: 'func', name: extra ? 'longer' : 'target', type: proto, linkage });
  return { btf: parseBtf(b.build()), func };
}

describe('a program that replaces a function of another', () => {
  const GLOBAL = 1;
  function extend(code: string, theirs: ReturnType<typeof types>, ours = types(GLOBAL)): string {
    const funcInfo = new Uint8Array(new Uint32Array([0, ours.func]).buffer);
    return verdict(code, {
      type: c.BPF_PROG_TYPE_EXT,
      attach: 0,
      more: {
        btf: ours.btf,
        funcInfo,
        attachBtfId: theirs.func,
        attachProg: { progType: c.BPF_PROG_TYPE_SCHED_CLS, attachType: 0, btf: theirs.btf },
      },
    });
  }

  it.each([
    ['has the context of what it replaces', `r0 = *(u32 *)(r1 +8)\nexit`, types(GLOBAL), 'accepted'],
    ['and no more of it', `r0 = *(u32 *)(r1 +300)\nexit`, types(GLOBAL), 'invalid bpf_context access off=300 size=4'],
    ['takes the arguments', `r0 = r2\nexit`, types(GLOBAL), 'accepted'],
    ['may answer any number', answers(-77), types(GLOBAL), 'accepted'],
    ['does not replace static functions', RETURN_0, types(0), 'Cannot replace static functions'],
    ['takes as many arguments', RETURN_0, types(GLOBAL, true), 'target() has 2 args while longer() has 3 args'],
  ])('%s', (_what, code, theirs, says) => {
    expect(extend(code, theirs)).toBe(says);
  });

  it('needs a program to go into', () => {
    const asked = { type: c.BPF_PROG_TYPE_EXT, attach: 0, to: UNLINK };
    expect(verdict(RETURN_0, asked)).toBe('Cannot replace kernel functions');
  });
});

describe('a program that traces another', () => {
  it('is what this verifier does not follow', () => {
    const theirs = types(1);
    const more = { attachProg: { progType: c.BPF_PROG_TYPE_XDP, attachType: 0, btf: theirs.btf } };
    expect(verdict(RETURN_0, { ...at(c.BPF_TRACE_FENTRY), more })).toBe(
      'tracing a program is not supported by this verifier yet',
    );
  });
});
