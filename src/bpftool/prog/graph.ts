/**
 * `visual`: the program's control flow as a graph for dot(1). A cluster for each function, a node for each basic block.
 * Instruction numbers count from the start of the function.
 */
import { BPF_CALL, BPF_EXIT, BPF_JA, BPF_JMP, BPF_JMP32, classOf, type Insns, opOf } from '../../isa/index.ts';
import { calledPc, type Image, lineAt, type SourceLine } from './image.ts';
import { Spelling } from './spelling.ts';
import type { DumpOptions } from './xlated.ts';

/** Nodes 0 and 1 of a function are its entry and its exit. */
const ENTRY = 0;
const EXIT_NODE = 1;
const FIRST = 2;
const EDGE = 'style="solid,bold", color=black, weight=10, constraint=true';

export function xlatedGraph(image: Image, options: DumpOptions): string {
  const starts = functionBounds(image.insns);
  const clusters = starts.map((start, i) => cluster(image, options, i, start, starts[i + 1] ?? image.insns.length));
  return `digraph "DOT graph for eBPF program" {\n${clusters.join('')}}\n`;
}

/** Where functions begin: 0, and whatever a call of this program's own goes to. */
function functionBounds(insns: Insns): number[] {
  const starts = new Set([0]);
  for (let pc = 0; pc < insns.length; pc++) {
    const target = calledPc(insns, pc);
    if (target !== undefined && target > 0 && target < insns.length) starts.add(target);
  }
  return [...starts].sort((a, b) => a - b);
}

interface Jump {
  /** Where it may go besides the next instruction; undefined for exit. */
  readonly target: number | undefined;
  readonly fallsThrough: boolean;
}

function jumpAt(insns: Insns, pc: number): Jump | undefined {
  const code = insns.code[pc]!;
  const group = classOf(code);
  if (group !== BPF_JMP && group !== BPF_JMP32) return undefined;
  switch (opOf(code)) {
    case BPF_CALL:
      return undefined;
    case BPF_EXIT:
      return { target: undefined, fallsThrough: false };
    case BPF_JA:
      return { target: pc + 1 + (group === BPF_JMP ? insns.off[pc]! : insns.imm[pc]!), fallsThrough: false };
    default:
      return { target: pc + 1 + insns.off[pc]!, fallsThrough: true };
  }
}

function cluster(image: Image, options: DumpOptions, index: number, start: number, end: number): string {
  const { insns } = image;
  const spelling = new Spelling(image);
  const heads = blockHeads(insns, spelling, start, end);
  const blockOf = new Map(heads.map((pc, i) => [pc, i + FIRST]));
  const node = (n: number) => `fn_${index}_bb_${n}`;
  const edge = (from: number, to: number, style = EDGE) => `\t${node(from)}:s -> ${node(to)}:n [${style}];\n`;

  let nodes = `\t${node(ENTRY)} [shape=Mdiamond,style=filled,label="ENTRY"];\n\n`;
  let edges = edge(ENTRY, FIRST);
  for (const [i, head] of heads.entries()) {
    const stop = heads[i + 1] ?? end;
    const number = i + FIRST;
    nodes += `\t${node(number)} [shape=record,style=filled,label="{${block(image, spelling, options, start, head, stop)}}"];\n\n`;
    for (const to of successors(insns, spelling, head, stop)) {
      edges += edge(number, to === undefined ? EXIT_NODE : (blockOf.get(to) ?? EXIT_NODE));
    }
  }
  nodes += `\t${node(EXIT_NODE)} [shape=Mdiamond,style=filled,label="EXIT"];\n\n`;
  edges += edge(ENTRY, EXIT_NODE, 'style="invis", constraint=true');
  return `subgraph "cluster_${index}" {\n\tstyle="dashed";\n\tcolor="black";\n\tlabel="func_${index} ()";\n${nodes}${edges}}\n`;
}

function blockHeads(insns: Insns, spelling: Spelling, start: number, end: number): number[] {
  const heads = new Set([start]);
  for (let pc = start; pc < end; pc += spelling.slots(pc)) {
    const jump = jumpAt(insns, pc);
    if (!jump) continue;
    if (jump.target !== undefined && jump.target >= start && jump.target < end) heads.add(jump.target);
    if (pc + 1 < end) heads.add(pc + 1);
  }
  return [...heads].sort((a, b) => a - b);
}

/** Heads of the blocks that follow the one at `head`; undefined is the exit. */
function successors(insns: Insns, spelling: Spelling, head: number, stop: number): (number | undefined)[] {
  let last = head;
  for (let pc = head; pc < stop; pc += spelling.slots(pc)) last = pc;
  const jump = jumpAt(insns, last);
  if (!jump) return [stop];
  if (!jump.fallsThrough) return [jump.target];
  return jump.target === stop ? [stop] : [stop, jump.target];
}

function block(
  image: Image,
  spelling: Spelling,
  options: DumpOptions,
  functionStart: number,
  head: number,
  stop: number,
): string {
  let out = '\\\n';
  let shown: SourceLine | undefined;
  for (let pc = head; pc < stop; pc += spelling.slots(pc)) {
    if (pc !== head) out += '| ';
    const start = image.functions.get(pc);
    if (start && start.signature !== '') out += `; ${start.signature}:\\l\\\n`;
    const line = lineAt(image.lines, pc);
    if (line && line !== shown) {
      if (options.linum) out += `; [${escapeLabel(line.file)} line:${line.line} col:${line.column}]\\l\\\n`;
      out += `; ${escapeLabel(line.text).replaceAll(' ', '\\ ')}\\l\\\n`;
    }
    shown = line;
    out += `${pc - functionStart}: ${escapeLabel(spelling.text(pc)).replaceAll('&', '\\&')}\\l\\\n`;
    if (options.opcodes) out += `\\ \\ \\ \\ ${spelling.hex(pc)}\\l\\\n`;
  }
  return out;
}

/** What dot reads as part of a record's shape. */
function escapeLabel(text: string): string {
  return text.replace(/[<>|{}]/g, '\\$&');
}
