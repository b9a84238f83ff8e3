/**
 * Makes a program of a function: every subprogram it reaches is appended once, in the order in which calls to them
 * are met, and what its instructions refer to is written in or listed for the loader. The order is libbpf's, so that
 * a program is the same to the kernel whoever loads it.
 */
import { view } from '../base/bytes.ts';
import { ElfError, UnsupportedError } from '../base/errors.ts';
import type { CoreRecord, FuncInfo, LineInfo } from '../btf/index.ts';
import { SLOT_SIZE } from '../isa/index.ts';
import { type ElfRelocation, type ElfSection, SHN_UNDEF, STT_SECTION } from './elf/elf.ts';
import type { Extern } from './externs.ts';
import type { FunctionTable, ObjectFunction } from './functions.ts';
import { firstAtOrAfter } from './lookup.ts';
import type { DefinitionTable } from './map-defs.ts';
import { place, relocationsByOffset, type Source } from './source.ts';
import type { CoreRelocation, MapSpec, Reference } from './spec.ts';

/** What instructions can refer to. */
export interface LinkContext {
  readonly source: Source;
  readonly functions: FunctionTable;
  readonly definitions: DefinitionTable;
  readonly dataMaps: ReadonlyMap<ElfSection, MapSpec>;
  readonly externs: ReadonlyMap<string, Extern>;
  /** Name of the map of configuration values, '' where there is none. */
  readonly kconfigMap: string;
}

export interface Linked {
  readonly insns: Uint8Array;
  readonly references: Reference[];
  readonly funcInfo: Uint8Array;
  readonly lineInfo: Uint8Array;
  readonly coreRelocations: CoreRelocation[];
}

/** Most slots that a program may have (the kernel's limit), and all programs of one object together. */
const MAX_SLOTS = 1_000_000;
const MAX_TOTAL_SLOTS = 1 << 22;

/** Where clang puts variables of the address space of arenas. */
const ARENA_SECTION = '.addr_space.1';

const LD_IMM64 = 0x18;
const CALL = 0x85;
/** src_reg of a call or a 64-bit load: what its imm stands for. */
const PSEUDO_MAP_FD = 1;
const PSEUDO_MAP_VALUE = 2;
const PSEUDO_BTF_ID = 3;
const PSEUDO_FUNC = 4;
const PSEUDO_CALL = 1;
const PSEUDO_KFUNC_CALL = 2;

export class Linker {
  readonly #context: LinkContext;
  readonly #relocations = new Map<ElfSection, Map<number, ElfRelocation>>();
  readonly #funcInfo: RecordIndex<FuncInfo>;
  readonly #lineInfo: RecordIndex<LineInfo>;
  readonly #core: RecordIndex<CoreRecord>;
  #totalSlots = 0;

  constructor(context: LinkContext) {
    this.#context = context;
    const { ext } = context.source;
    this.#funcInfo = new RecordIndex(ext?.funcInfo ?? []);
    this.#lineInfo = new RecordIndex(ext?.lineInfo ?? []);
    this.#core = new RecordIndex(ext?.coreRelocations ?? []);
  }

  /** Links `main`; `more` are appended even if nothing calls them (exception callbacks). */
  link(main: ObjectFunction, more: readonly ObjectFunction[] = []): Linked {
    const placed = this.#place(main, more);
    const last = [...placed].at(-1)!;
    const slots = last[1] + last[0].count;
    this.#totalSlots += slots;
    if (this.#totalSlots > MAX_TOTAL_SLOTS) fail('the programs of the object are too large together', main, 0);
    const insns = new Uint8Array(slots * SLOT_SIZE);
    const references: Reference[] = [];
    for (const [f, start] of placed) {
      insns.set(f.section.data.subarray(f.start * SLOT_SIZE, (f.start + f.count) * SLOT_SIZE), start * SLOT_SIZE);
      this.#resolve(f, start, placed, insns, references);
    }
    return {
      insns,
      references,
      funcInfo: words(placed, this.#funcInfo, (r, pc) => [pc, r.typeId]),
      lineInfo: words(placed, this.#lineInfo, (r, pc) => [pc, r.fileNameOff, r.lineOff, r.lineCol]),
      coreRelocations: [...placed].flatMap(([f, start]) =>
        this.#core.of(f).map((r) => ({
          pc: start + r.offset / SLOT_SIZE - f.start,
          kind: r.kind,
          typeId: r.typeId,
          access: r.access,
        })),
      ),
    };
  }

  /** Every function of the program with its first slot, in order. */
  #place(main: ObjectFunction, more: readonly ObjectFunction[]): Map<ObjectFunction, number> {
    const placed = new Map<ObjectFunction, number>();
    let slots = 0;
    const append = (f: ObjectFunction) => {
      placed.set(f, slots);
      slots += f.count;
      if (slots > MAX_SLOTS) fail(`the program has more than ${MAX_SLOTS} instructions`, f, 0);
    };
    for (const root of [main, ...more]) {
      if (placed.has(root)) continue;
      append(root);
      // depth first, with a stack of our own: the depth is up to the file
      const stack = [this.#callees(root)];
      while (stack.length > 0) {
        const next = stack.at(-1)!.next();
        if (next.done) stack.pop();
        else if (!placed.has(next.value)) {
          append(next.value);
          stack.push(this.#callees(next.value));
        }
      }
    }
    return placed;
  }

  /** Functions that `f` calls or takes the address of, in order of appearance. */
  *#callees(f: ObjectFunction): Generator<ObjectFunction> {
    for (const insn of instructions(f)) {
      const target = this.#functionTarget(f, insn);
      if (target !== undefined) yield target;
    }
  }

  /** The function that an instruction calls or takes the address of; undefined if it does neither. */
  #functionTarget(f: ObjectFunction, insn: Insn): ObjectFunction | undefined {
    const relocation = this.#relocationAt(f, insn.slot);
    let section = f.section.index;
    let slot: number;
    if (relocation === undefined) {
      const isLocal =
        (insn.code === CALL && insn.src === PSEUDO_CALL) || (insn.code === LD_IMM64 && insn.src === PSEUDO_FUNC);
      if (!isLocal) return undefined;
      slot = insn.slot + insn.imm + 1;
    } else {
      const { symbol } = relocation;
      section = symbol.section;
      if (section === SHN_UNDEF) return undefined;
      if (insn.code === LD_IMM64 && !this.#context.functions.isCode(section)) return undefined;
      // a call through a section symbol counts slots in imm, less one; an address counts bytes
      const addend = symbol.type !== STT_SECTION && insn.code === LD_IMM64 ? 0 : insn.imm;
      slot = insn.code === CALL ? symbol.value / SLOT_SIZE + addend + 1 : (symbol.value + addend) / SLOT_SIZE;
    }
    const target = this.#context.functions.at(section, slot);
    if (target === undefined) {
      const what = insn.code === CALL ? 'a call goes' : 'an address points';
      const name = relocation?.symbol.name || this.#context.source.elf.sections[section]?.name || `section ${section}`;
      fail(`${what} to slot ${slot} of '${name}', where no function begins`, f, insn.slot);
    }
    return target;
  }

  #resolve(
    f: ObjectFunction,
    start: number,
    placed: ReadonlyMap<ObjectFunction, number>,
    insns: Uint8Array,
    references: Reference[],
  ): void {
    const dv = view(insns);
    for (const insn of instructions(f)) {
      const pc = start + insn.slot - f.start;
      const at = pc * SLOT_SIZE;
      const setSrc = (src: number) => dv.setUint8(at + 1, (dv.getUint8(at + 1) & 15) | (src << 4));
      const target = this.#functionTarget(f, insn);
      if (target !== undefined) {
        setSrc(insn.code === CALL ? PSEUDO_CALL : PSEUDO_FUNC);
        dv.setInt32(at + 4, placed.get(target)! - pc - 1, true);
        continue;
      }
      const relocation = this.#relocationAt(f, insn.slot);
      if (relocation === undefined) continue;
      const found = this.#reference(f, insn, relocation);
      setSrc(found.src);
      references.push({ pc, kind: found.kind, name: found.name, off: found.off, weak: found.weak });
      dv.setInt32(at + 4, 0, true);
      if (insn.code === LD_IMM64) dv.setInt32(at + SLOT_SIZE + 4, found.off, true);
    }
  }

  /** What an instruction with a relocation to something other than a function refers to. */
  #reference(f: ObjectFunction, insn: Insn, relocation: ElfRelocation): Omit<Reference, 'pc'> & { src: number } {
    const { definitions, dataMaps, source } = this.#context;
    const { symbol } = relocation;
    if (symbol.section === SHN_UNDEF) return this.#externReference(f, insn, symbol.name);
    if (insn.code !== LD_IMM64)
      fail(`a relocation to '${symbol.name}' is on instruction 0x${insn.code.toString(16)}`, f, insn.slot);
    const section = source.elf.sections[symbol.section];
    const off = symbol.value + insn.imm;
    const map = definitions.at(symbol.section, off);
    if (map !== undefined) return { src: PSEUDO_MAP_FD, kind: 'map', name: map.spec.name, off: 0, weak: false };
    const data = section && dataMaps.get(section);
    if (data !== undefined) return { src: PSEUDO_MAP_VALUE, kind: 'map-value', name: data.name, off, weak: false };
    if (section?.name === ARENA_SECTION) {
      throw new UnsupportedError(`'${symbol.name}': global variables in an arena`, { since: '6.9' });
    }
    return fail(
      `'${symbol.name}' in section '${section?.name ?? symbol.section}' is neither a map nor data nor a function`,
      f,
      insn.slot,
    );
  }

  #externReference(f: ObjectFunction, insn: Insn, name: string): Omit<Reference, 'pc'> & { src: number } {
    const extern = this.#context.externs.get(name);
    if (extern === undefined) return fail(`'${name}' is not defined`, f, insn.slot);
    const { weak } = extern;
    if (insn.code === CALL) {
      if (extern.kind !== 'ksym' || !extern.isFunction) fail(`'${name}' is called and is no function`, f, insn.slot);
      return { src: PSEUDO_KFUNC_CALL, kind: 'kfunc', name, off: 0, weak };
    }
    if (extern.kind === 'kconfig') {
      const off = extern.offset + insn.imm;
      return { src: PSEUDO_MAP_VALUE, kind: 'map-value', name: this.#context.kconfigMap, off, weak: false };
    }
    return { src: extern.typed || extern.isFunction ? PSEUDO_BTF_ID : 0, kind: 'ksym', name, off: 0, weak };
  }

  #relocationAt(f: ObjectFunction, slot: number): ElfRelocation | undefined {
    let found = this.#relocations.get(f.section);
    if (found === undefined) {
      found = relocationsByOffset(this.#context.source.elf, f.section);
      this.#relocations.set(f.section, found);
    }
    return found.get(slot * SLOT_SIZE);
  }
}

interface Insn {
  /** In the section. */
  readonly slot: number;
  readonly code: number;
  readonly src: number;
  readonly imm: number;
}

/** The calls and 64-bit loads of a function: the only instructions that refer to something. */
function* instructions(f: ObjectFunction): Generator<Insn> {
  const dv = view(f.section.data);
  const end = f.start + f.count;
  for (let slot = f.start; slot < end; slot++) {
    const at = slot * SLOT_SIZE;
    const code = dv.getUint8(at);
    if (code !== CALL && code !== LD_IMM64) continue;
    if (code === LD_IMM64 && slot + 1 >= end) fail('the function ends inside a 64-bit load', f, slot);
    yield { slot, code, src: dv.getUint8(at + 1) >> 4, imm: dv.getInt32(at + 4, true) };
    if (code === LD_IMM64) slot++;
  }
}

/** Records of BTF.ext by section, in order of position. */
class RecordIndex<T extends { readonly offset: number }> {
  readonly #bySection = new Map<string, T[]>();

  constructor(sections: readonly { readonly section: string; readonly records: readonly T[] }[]) {
    for (const { section, records } of sections) {
      const all = this.#bySection.get(section) ?? [];
      this.#bySection.set(
        section,
        all.concat(records).sort((a, b) => a.offset - b.offset),
      );
    }
  }

  /** Records of the instructions of a function. */
  of(f: ObjectFunction): T[] {
    const records = this.#bySection.get(f.section.name) ?? [];
    const end = (f.start + f.count) * SLOT_SIZE;
    const found: T[] = [];
    for (let i = firstAtOrAfter(records, f.start * SLOT_SIZE); i < records.length && records[i]!.offset < end; i++) {
      if (records[i]!.offset % SLOT_SIZE !== 0) fail('BTF.ext speaks of a place inside an instruction', f, f.start);
      found.push(records[i]!);
    }
    return found;
  }
}

/** Records of every placed function as little-endian words, positions counted in the program. */
function words<T extends { readonly offset: number }>(
  placed: ReadonlyMap<ObjectFunction, number>,
  index: RecordIndex<T>,
  row: (record: T, pc: number) => number[],
): Uint8Array {
  const all = [...placed].flatMap(([f, start]) =>
    index.of(f).flatMap((r) => row(r, start + r.offset / SLOT_SIZE - f.start)),
  );
  const out = new Uint8Array(all.length * 4);
  const dv = view(out);
  for (let i = 0; i < all.length; i++) dv.setUint32(i * 4, all[i]!, true);
  return out;
}

function fail(what: string, f: ObjectFunction, slot: number): never {
  throw new ElfError(`function '${f.name}': ${what}`, place(f.section, slot * SLOT_SIZE));
}
