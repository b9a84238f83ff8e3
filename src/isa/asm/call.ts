/** `call`: a helper by number or name, a function of this program by distance or label, a kernel function. */
import { HELPER_IDS } from '../../uapi/generated/helper-ids.ts';
import { BPF_PSEUDO_CALL, BPF_PSEUDO_KFUNC_CALL, CALL } from '../opcodes.ts';
import { type Draft, draft } from './draft.ts';
import type { Parser } from './parser.ts';

/** What names in assembly stand for. */
export interface AsmNames {
  /** `map[name]` -> descriptor (or index: whatever the immediate is to hold). */
  readonly maps?: Readonly<Record<string, number>>;
  /** `call name` -> BTF id of a kernel function. */
  readonly kfuncs?: Readonly<Record<string, number>>;
}

const MIN = -0x8000_0000n;
const MAX = 0x7fff_ffffn;

/** After the word `call`. A name is a label, else a kfunc's of `names`, else a helper's, with or without `bpf_`. */
export function parseCall(p: Parser, names: AsmNames): Draft {
  const start = p.peek();
  if (start.text === 'pc') {
    p.take();
    const insn = draft(CALL, { src: BPF_PSEUDO_CALL, imm: Number(p.number(MIN, MAX, 'a distance')) });
    if (p.takeIf('#')) p.word('a name');
    return insn;
  }
  const id = p.tryNumber();
  if (id !== undefined) {
    if (id < MIN || id > MAX) p.failAt(start, 'a helper number has 32 bits');
    return draft(CALL, { imm: Number(id) });
  }
  let name = p.word('what to call').text;
  if (name === 'kernel' && p.takeIf('-')) name = `kernel-${p.word('a name').text}`;
  const helper = helperId(name);
  if (p.takeIf('#')) {
    const imm = Number(p.number(MIN, MAX, 'a number'));
    if (helper !== undefined && helper !== imm) p.failAt(start, `${name} is helper ${helper}, not ${imm}`);
    if (helper !== undefined || name === 'unknown') return draft(CALL, { imm });
    const off = p.takeIf('@') ? Number(p.number(-0x8000n, 0x7fffn, 'an fd_array index')) : 0;
    return draft(CALL, { src: BPF_PSEUDO_KFUNC_CALL, imm, off });
  }
  const label = { name, field: 'imm', at: start.at } as const;
  if (p.labels.has(name)) return draft(CALL, { src: BPF_PSEUDO_CALL, label });
  const kfunc = own(names.kfuncs, name);
  if (kfunc !== undefined) return draft(CALL, { src: BPF_PSEUDO_KFUNC_CALL, imm: kfunc });
  if (helper !== undefined) return draft(CALL, { imm: helper });
  return p.failAt(start, `there is no label, helper or kernel function named "${name}"`);
}

function helperId(name: string): number | undefined {
  return name === 'bpf_unspec' ? 0 : own(HELPER_IDS, name.replace(/^bpf_/, ''));
}

/** The entry of a record itself, not of its prototype. */
export function own(record: Readonly<Record<string, number>> | undefined, name: string): number | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}
