/** What stands after `rN =` and is no plain number, register or load. */
import {
  BPF_ADDR_PERCPU,
  BPF_ADDR_SPACE_CAST,
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_END,
  BPF_LOAD_ACQ,
  BPF_MOV,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  BPF_STX,
  BPF_TO_BE,
  BPF_TO_LE,
  BPF_X,
  LD_IMM64,
} from '../opcodes.ts';
import { type AsmNames, own } from './call.ts';
import { type Draft, draft } from './draft.ts';
import { target } from './jump.ts';
import { fetching, typedPointer } from './memory.ts';
import { ANY32, bits32 } from './numbers.ts';
import type { Parser, Register } from './parser.ts';

/** `(s8)r2`. */
export function signExtension(p: Parser, dst: Register): Draft {
  p.expect('(');
  const type = p.word('s8, s16 or s32');
  const bits = /^s(8|16|32)$/.exec(type.text)?.[1];
  if (bits === undefined || (bits === '32' && !dst.wide)) p.failAt(type, `"${type.text}" is no width to extend from`);
  p.expect(')');
  const src = p.sameBank(dst);
  if (src === undefined) p.fail(`expected a register, found ${p.found()}`);
  return draft((dst.wide ? BPF_ALU64 : BPF_ALU) | BPF_MOV | BPF_X, { dst: dst.number, src, off: Number(bits) });
}

/** `&(void __percpu *)(r2)`. */
export function percpu(p: Parser, dst: Register): Draft {
  for (const text of ['&', '(', 'void', '__percpu', '*', ')', '(']) p.expect(text);
  const src = p.register().number;
  p.expect(')');
  return draft(BPF_ALU64 | BPF_MOV | BPF_X, { dst: dst.number, src, off: BPF_ADDR_PERCPU });
}

/** A value that begins with a word: a byte swap, an atomic operation, a map, a function. */
export function named(p: Parser, dst: Register, names: AsmNames): Draft {
  const word = p.take();
  const swap = /^(be|le|bswap)(16|32|64)$/.exec(word.text);
  if (swap !== null) {
    if (p.register().number !== dst.number) p.failAt(word, 'a register is swapped in place');
    const cls = swap[1] === 'bswap' ? BPF_ALU64 : BPF_ALU;
    const order = swap[1] === 'be' ? BPF_TO_BE : BPF_TO_LE;
    return draft(cls | BPF_END | order, { dst: dst.number, imm: Number(swap[2]) });
  }
  switch (word.text) {
    case 'map':
      return mapReference(p, dst, names);
    case 'subprog': {
      p.expect('[');
      const insn = target(p, draft(LD_IMM64, { dst: dst.number, src: BPF_PSEUDO_FUNC }), 'imm');
      p.expect(']');
      return insn;
    }
    case 'btf': {
      p.expect('[');
      const imm = bits32(p.number(...ANY32, 'a BTF id'));
      const high = p.takeIf(':') ? bits32(p.number(...ANY32, 'a BTF descriptor')) : 0;
      p.expect(']');
      return draft(LD_IMM64, { dst: dst.number, src: BPF_PSEUDO_BTF_ID, imm, high });
    }
    case 'addr_space_cast':
      return addressSpaceCast(p, dst);
    case 'load_acquire': {
      p.expect('(');
      const from = typedPointer(p);
      p.expect(')');
      return draft(BPF_STX | BPF_ATOMIC | from.size, {
        dst: dst.number,
        src: from.base,
        off: from.off,
        imm: BPF_LOAD_ACQ,
      });
    }
    default:
      return fetching(p, dst, word.text) ?? p.failAt(word, `"${word.text}" is no value`);
  }
}

function addressSpaceCast(p: Parser, dst: Register): Draft {
  p.expect('(');
  const src = p.register().number;
  p.expect(',');
  const from = p.number(0n, 0xffffn, 'an address space');
  p.expect(',');
  const to = p.number(0n, 0xffffn, 'an address space');
  p.expect(')');
  const imm = bits32((from << 16n) | to);
  return draft(BPF_ALU64 | BPF_MOV | BPF_X, { dst: dst.number, src, off: BPF_ADDR_SPACE_CAST, imm });
}

/** `map[fd]`, `map[fd:5]`, `map[id:5]`, `map[idx:5]`, `map[name]`; then `[0]+8` for an address inside the first value. */
function mapReference(p: Parser, dst: Register, names: AsmNames): Draft {
  p.expect('[');
  const word = p.peek();
  let isIndex = false;
  let imm: number;
  if (word.kind === 'word' && p.peek(1).text !== ':') {
    const known = own(names.maps, p.take().text);
    if (known === undefined) p.failAt(word, `there is no map named "${word.text}"`);
    imm = known;
  } else {
    if (word.kind === 'word') {
      if (!['fd', 'id', 'idx'].includes(word.text)) p.fail('a map is named by fd, id, idx or its name');
      isIndex = p.take().text === 'idx';
      p.expect(':');
    }
    imm = bits32(p.number(...ANY32, 'a map'));
  }
  p.expect(']');
  if (!p.takeIf('[')) {
    return draft(LD_IMM64, { dst: dst.number, src: isIndex ? BPF_PSEUDO_MAP_IDX : BPF_PSEUDO_MAP_FD, imm });
  }
  p.number(0n, 0n, 'the element of a direct map value');
  p.expect(']');
  const high = bits32(p.number(0n, 0xffff_ffffn, 'an offset into the value'));
  const src = isIndex ? BPF_PSEUDO_MAP_IDX_VALUE : BPF_PSEUDO_MAP_VALUE;
  return draft(LD_IMM64, { dst: dst.number, src, imm, high });
}
