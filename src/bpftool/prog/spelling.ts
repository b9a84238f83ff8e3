/** Instructions of a loaded program as text: maps by id, calls by name. */
import {
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  type DisasmHooks,
  disassembleWithOpcode,
  LD_IMM64,
} from '../../isa/index.ts';
import { hexRows } from '../text/hex.ts';
import { calledPc, type Image } from './image.ts';

const SLOT = 8;

export class Spelling {
  readonly #image: Image;
  readonly #hooks: DisasmHooks;

  constructor(image: Image) {
    this.#image = image;
    this.#hooks = {
      callName: (pc) => image.callNames.get(image.insns.imm[pc]!),
      imm64: (pc) => this.#imm64(pc),
    };
  }

  /** `(18) r1 = map[id:5]`. */
  text(pc: number): string {
    const { insns } = this.#image;
    const target = calledPc(insns, pc);
    if (target !== undefined) return `(85) call pc${signed(target - pc - 1)}${this.#functionName(target)}`;
    return disassembleWithOpcode(insns, pc, this.#hooks);
  }

  /** Slots of the instruction at `pc`: 1, or 2 for a 64-bit immediate. */
  slots(pc: number): number {
    const { insns } = this.#image;
    return insns.code[pc] === LD_IMM64 && pc + 1 < insns.length ? 2 : 1;
  }

  /** Its bytes. */
  bytes(pc: number): Uint8Array {
    return this.#image.bytes.subarray(pc * SLOT, (pc + this.slots(pc)) * SLOT);
  }

  /** `18 01 00 00 …`: one blank between bytes, two between the first and the second half of a row. */
  hex(pc: number): string {
    const bytes = this.bytes(pc);
    const first = hexRows(bytes.subarray(0, SLOT));
    return bytes.length > SLOT ? `${first} ${hexRows(bytes.subarray(SLOT))}` : first;
  }

  /** `#bpf_prog_TAG_name` of the function that begins there. */
  #functionName(start: number): string {
    const { functions, subprogNames } = this.#image;
    const name = subprogNames[[...functions.keys()].indexOf(start)];
    return name === undefined ? '' : `#${name}`;
  }

  #imm64(pc: number): string | undefined {
    const { insns } = this.#image;
    const imm = insns.imm[pc]!;
    const next = insns.imm[pc + 1]! >>> 0;
    switch (insns.src[pc]) {
      case BPF_PSEUDO_MAP_FD:
        return `map[id:${imm}]`;
      case BPF_PSEUDO_MAP_VALUE:
        return `map[id:${imm}][0]+${next}`;
      case BPF_PSEUDO_MAP_IDX_VALUE:
        return `map[idx:${imm}]+${next}`;
      case BPF_PSEUDO_FUNC:
        return `subprog[${signed(imm)}]`;
      default:
        return undefined;
    }
  }
}

function signed(value: number): string {
  return value < 0 ? `${value}` : `+${value}`;
}
