/**
 * Finds trees of comparisons of one register with constants, which compilers make of a `switch`, and makes one jump through a
 * table of each. Only where the block has just made the register small, so that the table has an entry for every number it can be.
 */
import { BPF_ALU, BPF_ALU64, BPF_LDX, BPF_X, byteSize, classOf } from '../../isa/index.ts';
import { OP_MAY_GOTO, type Operations } from '../operations.ts';
import { writtenBy } from './effects.ts';
import { type Block, isBranch, slotsOf, switchOn } from './graph.ts';

const AND = 0x50;
const JSET = 0x40;
const MEM = 0x60;
/** Comparisons from which on a table is worth it, and entries that it may have. */
const MIN_COMPARISONS = 5;
const MAX_ENTRIES = 64;

/**
 * Replaces blocks that such a tree begins with. What the tree has besides is then reached by nothing. `mayReplace` is asked when the
 * first one is found.
 */
export function makeSwitches(ops: Operations, blocks: Block[], mayReplace: () => boolean): void {
  let may: boolean | undefined;
  const entered = new Int32Array(blocks.length);
  for (const { to } of blocks) for (const target of to) entered[target]!++;
  entered[0]!++;
  blocks.forEach((root, number) => {
    const reg = comparedBy(ops, root);
    if (reg < 0) return;
    const most = boundOf(ops, root, reg);
    if (most < 0 || most >= MAX_ENTRIES) return;
    const inner = (block: number): boolean => {
      const { start, end } = blocks[block]!;
      return start === end - 1 && entered[block] === 1 && comparedBy(ops, blocks[block]!) === reg;
    };
    const met = new Set<number>([number]);
    const leaves: number[] = [];
    for (let value = 0; value <= most; value++) {
      let at = number;
      do {
        met.add(at);
        const { end, to } = blocks[at]!;
        at = to[holds(ops, end - 1, value) ? 0 : 1]!;
      } while (inner(at) && at !== number);
      leaves.push(at);
    }
    if (met.size < MIN_COMPARISONS) return;
    may ??= mayReplace();
    if (may) blocks[number] = switchOn(root, reg, leaves);
  });
}

/** The register that a block ends with comparing to a constant that is not negative, or -1. */
function comparedBy(ops: Operations, { kind, end }: Block): number {
  if (kind !== 'branch') return -1;
  const op = ops.op[end - 1]!;
  const constant = isBranch(op) && op !== OP_MAY_GOTO && (op & BPF_X) === 0 && ops.imm[end - 1]! >= 0;
  return constant && (op & 0xf0) !== JSET ? ops.dst[end - 1]! : -1;
}

/** The largest number that the block's last write leaves in a register; -1 where that says nothing. */
function boundOf(ops: Operations, { start, end }: Block, reg: number): number {
  let most = -1;
  for (let pc = start; pc < end; pc += slotsOf(ops.op[pc]!)) {
    if (writtenBy(ops, pc) !== reg) continue;
    const op = ops.op[pc]!;
    const cls = classOf(op);
    const masks = (op === (AND | BPF_ALU) || op === (AND | BPF_ALU64)) && ops.imm[pc]! >= 0;
    const loads = op < 256 && cls === BPF_LDX && (op & 0xe0) === MEM && byteSize(op) === 1;
    most = masks ? ops.imm[pc]! : loads ? 255 : -1;
  }
  return most;
}

/** Whether a comparison holds for a small number, for which signs and widths make no difference. */
function holds(ops: Operations, pc: number, value: number): boolean {
  const imm = ops.imm[pc]!;
  switch (ops.op[pc]! & 0xf0) {
    case 0x10:
      return value === imm;
    case 0x50:
      return value !== imm;
    case 0x20:
    case 0x60:
      return value > imm;
    case 0x30:
    case 0x70:
      return value >= imm;
    case 0xa0:
    case 0xc0:
      return value < imm;
    default:
      return value <= imm;
  }
}
