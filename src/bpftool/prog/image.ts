/** A loaded program as `dump` reads it: its instructions and what its BTF says about them. */
import { toHex, view } from '../../base/bytes.ts';
import { type Btf, parseBtf } from '../../btf/index.ts';
import { BPF_PSEUDO_CALL, CALL, decode, type Insns } from '../../isa/index.ts';
import type { Bpf, Fd } from '../../sys/index.ts';
import type { ProgInfo } from '../../uapi/infos.ts';
import type { Context } from '../context.ts';
import { reason } from '../failure.ts';
import { fullName } from './full-name.ts';
import { callNames } from './kernel-symbols.ts';
import { functionSignature } from './signature.ts';

/** A C source line, for the instructions from `pc` on. */
export interface SourceLine {
  readonly pc: number;
  /** Without the blanks it begins with. */
  readonly text: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

interface FunctionStart {
  readonly pc: number;
  readonly name: string;
  /** `int f(struct xdp_md * ctx)`. */
  readonly signature: string;
}

export interface Image {
  readonly info: ProgInfo;
  readonly name: string;
  readonly insns: Insns;
  readonly bytes: Uint8Array;
  /** By pc. Empty without BTF. */
  readonly functions: ReadonlyMap<number, FunctionStart>;
  readonly lines: readonly SourceLine[];
  /** `bpf_prog_TAG_name` of the subprograms, in order. */
  readonly subprogNames: readonly string[];
  /** Kernel functions by what calls of them carry in `imm`. */
  readonly callNames: ReadonlyMap<number, string>;
}

export async function readImage(context: Context, fd: Fd): Promise<Image> {
  const bpf = await context.bpf();
  const info = await bpf.progInfo(fd, 'xlated_prog_insns', 'func_info', 'line_info', 'prog_tags', 'jited_prog_insns');
  const btf = await progBtf(bpf, info.btf_id);
  const name = await fullName(bpf, fd, info);
  const functions = btf ? functionStarts(btf, info) : [];
  const insns = decode(info.xlated_prog_insns);
  return {
    info,
    name,
    insns,
    bytes: info.xlated_prog_insns,
    functions: new Map(functions.map((start) => [start.pc, start])),
    lines: btf ? sourceLines(btf, info) : [],
    subprogNames: symbolNames(info, name, functions),
    callNames: await callNames(context, insns),
  };
}

async function progBtf(bpf: Bpf, id: number): Promise<Btf | undefined> {
  if (id === 0) return undefined;
  try {
    const { btf } = await bpf.withFd(bpf.btfById(id), (fd) => bpf.btfInfo(fd, { bytes: true }));
    return parseBtf(btf);
  } catch (error) {
    reason(error); // Rethrows our own mistakes; without BTF the instructions are shown alone.
    return undefined;
  }
}

function functionStarts(btf: Btf, info: ProgInfo): FunctionStart[] {
  const size = info.func_info_rec_size;
  if (size < 8) return [];
  const dv = view(info.func_info);
  const out: FunctionStart[] = [];
  for (let at = 0; at + size <= info.func_info.length; at += size) {
    const id = dv.getUint32(at + 4, true);
    out.push({
      pc: dv.getUint32(at, true),
      name: btf.type(id)?.name ?? '',
      signature: functionSignature(btf, id),
    });
  }
  return out;
}

function sourceLines(btf: Btf, info: ProgInfo): SourceLine[] {
  const size = info.line_info_rec_size;
  if (size < 16) return [];
  const dv = view(info.line_info);
  const out: SourceLine[] = [];
  for (let at = 0; at + size <= info.line_info.length; at += size) {
    const place = dv.getUint32(at + 12, true);
    out.push({
      pc: dv.getUint32(at, true),
      file: btf.string(dv.getUint32(at + 4, true)),
      text: btf.string(dv.getUint32(at + 8, true)).trimStart(),
      line: place >>> 10,
      column: place & 0x3ff,
    });
  }
  return out;
}

/** Symbols as kallsyms has them: the tag of each function and its C name. */
function symbolNames(info: ProgInfo, name: string, functions: readonly FunctionStart[]): string[] {
  const tags = info.nr_prog_tags > 0 ? info.prog_tags.slice() : info.tag;
  // The first function goes by the tag of the whole program.
  tags.set(info.tag.subarray(0, tags.length));
  const out: string[] = [];
  for (let i = 0; i * 8 < tags.length; i++) {
    const own = functions[i]?.name || (i === 0 ? name : 'F');
    out.push(`bpf_prog_${toHex(tags.subarray(i * 8, i * 8 + 8))}${own === '' ? '' : `_${own}`}`);
  }
  return out;
}

/** The last line that begins at or before `pc`. */
export function lineAt(lines: readonly SourceLine[], pc: number): SourceLine | undefined {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lines[middle]!.pc <= pc) low = middle + 1;
    else high = middle;
  }
  return lines[low - 1];
}

/** Where a call of the program's own goes, or undefined for any other instruction. */
export function calledPc(insns: Insns, pc: number): number | undefined {
  if (insns.code[pc] !== CALL || insns.src[pc] !== BPF_PSEUDO_CALL) return undefined;
  // Once compiled, Linux keeps the distance in `off`, and the function's number in `imm`.
  return pc + 1 + (insns.off[pc] || insns.imm[pc]!);
}
