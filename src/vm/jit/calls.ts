/** Calls: of helpers and kfuncs, of functions of the same program, of the next program. */
import { PROG_ARRAY_MAX_ENTRIES, PROG_ARRAY_STORAGE } from '../../base/map-header.ts';
import type { Addr } from '../../base/memory.ts';
import {
  BPF_FUNC_get_prandom_u32,
  BPF_FUNC_get_smp_processor_id,
  BPF_FUNC_map_delete_elem,
  BPF_FUNC_map_lookup_elem,
  BPF_FUNC_map_update_elem,
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_PERCPU_ARRAY,
} from '../../uapi/generated/constants.ts';
import type { Callable, InlineMap } from '../code.ts';
import { MAX_TAIL_CALLS, RET_HI, RUNNING, TAIL_CALLS } from '../control.ts';
import { writeCpuPart } from '../helpers/cpu.ts';
import { type MapFacts, mapFacts } from '../helpers/facts.ts';
import { hasHashProbe, writeHashProbe } from '../helpers/hash-table.ts';
import { OP_CALL_HELPER } from '../operations.ts';
import type { CodeWriter } from '../wasm/code.ts';
import {
  BLOCK,
  BR,
  BR_IF,
  CALL_INDIRECT,
  ELSE,
  I32,
  I32_ADD,
  I32_EQ,
  I32_EQZ,
  I32_GE_U,
  I32_LOAD,
  I32_LT_U,
  I32_MUL,
  I32_SHL,
  I32_STORE,
  I32_WRAP_I64,
  I64_EXTEND_I32_S,
  I64_EXTEND_I32_U,
  I64_LOAD32_U,
  I64_NE,
  I64_OR,
  I64_SHL,
  I64_SHR_U,
  IF,
  RETURN,
  RETURN_CALL_INDIRECT,
  UNREACHABLE,
} from '../wasm/opcodes.ts';
import { burnFuel, enterFunction, leaveFuel, leaveFunction, takeFuel, testRange } from './checks.ts';
import type { FunctionContext } from './function.ts';
import { constantAddress } from './memory.ts';

/** A helper or kfunc. Where there is none the run ends. */
export function writeCall(f: FunctionContext, pc: number): void {
  const { code } = f;
  const callable = f.calls.get(pc);
  burnFuel(f, pc, 0);
  if (callable === undefined) {
    f.fault('illegal-instruction', pc);
    return;
  }
  const own = ownWay(f, pc, callable);
  if (own?.isLookup !== true) f.stackWords.clear();
  if (own !== null && !f.checked) {
    own.write();
    return;
  }
  const done = own === null ? 0 : code.open(BLOCK);
  if (own !== null) {
    const otherwise = code.open(BLOCK);
    trustArguments(f, own, otherwise);
    own.write();
    code.branch(BR, done).end();
  }
  leaveFuel(f);
  writeArguments(f, callable.args);
  code.call(f.imports.of(callable));
  takeAnswer(f, callable.ret);
  takeFuel(f);
  if (own !== null) code.end();
}

const ARRAY_TYPES: readonly number[] = [BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_ARRAY_OF_MAPS];

/** What does a helper's work without leaving WebAssembly. */
interface OwnWay {
  /** Leaves the answer in r0. */
  readonly write: () => void;
  /** It only looks up in a map: what is in memory stays. */
  readonly isLookup?: boolean;
  /** The map that it is written for, 0 for none. */
  readonly map: Addr;
  /** Bytes that it reads at the addresses in r2 and r3. */
  readonly reads: readonly number[];
}

function ownWay(f: FunctionContext, pc: number, callable: Callable): OwnWay | null {
  if (f.ops.op[pc] !== OP_CALL_HELPER) return null;
  const helper = f.ops.imm[pc]!;
  const map = f.program.callMaps?.get(pc);
  const reads = f.checked ? readByHelper(helper, map) : [];
  if (reads === null) return null;
  if (helper === BPF_FUNC_map_lookup_elem && map !== undefined && callable.args === 'ii') {
    const lookup = { isLookup: true, map: map.addr, reads };
    if (isArray(map)) return { ...lookup, write: () => writeArrayLookup(f, map) };
    const facts = mapFacts(f.imports.host.mem, map.addr);
    if (hasHashProbe(facts)) return { ...lookup, write: () => writeHashLookup(f, facts, callable) };
  }
  const fn = f.helperFunctions.of(helper, callable, map?.addr ?? 0);
  if (fn === null) return null;
  const write = (): void => {
    leaveFuel(f);
    writeArguments(f, callable.args);
    f.code.call(fn);
    takeAnswer(f, callable.ret);
    takeFuel(f);
  };
  return { write, map: map?.addr ?? 0, reads };
}

/**
 * Checked mode: bytes that a helper reads at r2 and r3, for those whose ways of ours do nothing else with what they are given; null for all
 * others, which are JavaScript's.
 */
function readByHelper(helper: number, map: InlineMap | undefined): readonly number[] | null {
  switch (helper) {
    case BPF_FUNC_get_smp_processor_id:
    case BPF_FUNC_get_prandom_u32:
      return [];
    case BPF_FUNC_map_lookup_elem:
    case BPF_FUNC_map_delete_elem:
      return map ? [map.keySize] : null;
    case BPF_FUNC_map_update_elem:
      return map ? [map.keySize, map.valueSize] : null;
    default:
      return null;
  }
}

/** Checked mode: goes to `otherwise` unless r1 is the map, and what is read is the program's to read. */
function trustArguments(f: FunctionContext, { map, reads }: OwnWay, otherwise: number): void {
  if (map !== 0) f.get(1).i64(map, 0).op(I64_NE).branch(BR_IF, otherwise);
  reads.forEach((size, i) => {
    testRange(f, i + 2, 0, size, false, otherwise);
  });
}

/** A call of map_lookup_elem whose map is known to be an array: the address is computed in place. */
function writeArrayLookup(f: FunctionContext, map: InlineMap): void {
  const { code } = f;
  f.get32(2).memory(I32_LOAD, 0).tee(f.i32).i32(map.maxEntries).op(I32_LT_U);
  code.open(IF, I32);
  code.get(f.i32).i32(map.stride).op(I32_MUL).i32(map.base).op(I32_ADD);
  if (map.type === BPF_MAP_TYPE_PERCPU_ARRAY) writeCpuPart(code, f.control, map.valueSize);
  if (map.type === BPF_MAP_TYPE_ARRAY_OF_MAPS) code.memory(I32_LOAD, 0);
  code.else(ELSE).i32(0).end();
  f.set32(0);
}

function isArray({ type, base }: InlineMap): boolean {
  return ARRAY_TYPES.includes(type) && base !== 0;
}

/** A call of map_lookup_elem on a hash table with short keys: the first look stands in place. */
function writeHashLookup(f: FunctionContext, facts: MapFacts, callable: Callable): void {
  const { code } = f;
  f.get32(2).set(f.i32);
  const rest = f.helperFunctions.hashRest(facts, callable);
  const addr = constantAddress(f, 2, 0);
  const known = (offset: number): boolean => addr !== undefined && f.stackWords.get(addr + offset);
  code.borrowing(() => writeHashProbe(code, facts, f.control, f.i32, known, rest));
  f.set32(0);
}

function writeArguments(f: FunctionContext, args: string): void {
  for (let i = 0; i < args.length; i++) {
    f.get32(i + 1);
    if (args[i] === 'L')
      f.get(i + 1)
        .i64(32)
        .op(I64_SHR_U)
        .op(I32_WRAP_I64);
  }
}

function takeAnswer(f: FunctionContext, ret: Callable['ret']): void {
  const { code } = f;
  if (f.writesNarrow) {
    // It has no upper half, or nobody asks for it.
    if (ret === 'void') code.i32(0);
    f.set32(0);
    return;
  }
  if (ret === 'void') code.i64(0);
  else if (ret === 'int') code.op(I64_EXTEND_I32_S);
  else code.op(I64_EXTEND_I32_U);
  if (ret === 'u64')
    code
      .i32(0)
      .memory(I64_LOAD32_U, f.control + RET_HI)
      .i64(32)
      .op(I64_SHL)
      .op(I64_OR);
  f.set(0);
}

/** An exception, which leaves all functions of the program. */
export function writeThrow(f: FunctionContext): void {
  leaveFuel(f);
  writeArguments(f, 'L');
  f.code.call(f.imports.of(f.services.throwException)).op(UNREACHABLE);
}

/** The helper whose number is in dst. */
export function writeCallx(f: FunctionContext, pc: number): void {
  f.stackWords.clear();
  burnFuel(f, pc, 0);
  leaveFuel(f);
  f.get32(f.ops.dst[pc]!).i32(pc);
  writeArguments(f, 'LLLLL');
  f.code.call(f.imports.of(f.services.callByNumber));
  takeAnswer(f, 'u64');
  takeFuel(f);
}

/** LD_ABS and LD_IND: the function ends with 0 where the packet does not have the bytes. */
export function writePacketLoad(f: FunctionContext, pc: number, size: number, indirect: boolean): void {
  const { code } = f;
  leaveFuel(f);
  f.get32(6);
  if (indirect) f.get32(f.ops.src[pc]!).i32(f.ops.imm[pc]!).op(I32_ADD);
  else code.i32(f.ops.imm[pc]!);
  code.i32(size).call(f.imports.of(f.imports.host.packetLoad));
  takeAnswer(f, 'ptr');
  code
    .i32(0)
    .memory(I32_LOAD, f.control + RET_HI)
    .open(IF);
  code.i64(0).op(RETURN).end();
}

/** A function of the same program, whose fuel is burnt. */
export function writeSubprogCall(f: FunctionContext, pc: number): void {
  const fn = f.ops.target[pc]!;
  f.stackWords.clear();
  leaveFuel(f);
  enterFunction(f);
  const read = f.facts.readAtEntry(fn);
  for (let reg = 1; reg <= 5; reg++) {
    if ((read & (1 << reg)) !== 0) f.get(reg);
    else f.code.i64(0);
  }
  f.code.call(f.functionIndex(fn));
  f.set(0);
  leaveFunction(f);
  takeFuel(f);
}

/**
 * bpf_tail_call(ctx, map, index): goes on in the program that the map's slot names, or behind the call where there is none.
 * Out of the first function that ends this one; out of another the stacks of those that wait are kept meanwhile.
 */
export function writeTailCall(f: FunctionContext, pc: number): void {
  const { code, control } = f;
  const taken = f.i32;
  const slot = f.other32;
  burnFuel(f, pc, 0);
  leaveFuel(f);
  const on = code.open(BLOCK);
  writeSlotOf(f, pc, on);
  code.tee(slot).op(I32_EQZ).branch(BR_IF, on);
  code
    .i32(0)
    .memory(I32_LOAD, control + TAIL_CALLS)
    .tee(taken)
    .i32(MAX_TAIL_CALLS)
    .op(I32_GE_U)
    .branch(BR_IF, on);
  if (f.fn !== 0) code.call(f.imports.of(f.services.suspend));
  code
    .i32(0)
    .get(taken)
    .i32(1)
    .op(I32_ADD)
    .memory(I32_STORE, control + TAIL_CALLS);
  const withContext = (): CodeWriter => f.get(1).i64(0).i64(0).i64(0).i64(0);
  if (f.fn === 0) {
    // A program that goes on in itself stays in its module, which a call through the table would have to find.
    code.get(slot).i32(f.slot).op(I32_EQ).open(IF);
    withContext().returnCall(f.functionIndex(0)).end();
  }
  code
    .i32(0)
    .get(slot)
    .memory(I32_STORE, control + RUNNING);
  withContext().get(slot);
  if (f.fn === 0) {
    code.indirect(RETURN_CALL_INDIRECT, f.functionType);
  } else {
    code.indirect(CALL_INDIRECT, f.functionType);
    code.call(f.imports.of(f.services.resume)).op(RETURN);
  }
  code.end();
}

/** Puts the slot that a tail call names on the stack; goes to `on` where the array has no such index. Needs `f.i32` and `f.other32`. */
function writeSlotOf(f: FunctionContext, pc: number, on: number): void {
  const { code } = f;
  const index = f.other32;
  const known = f.checked ? undefined : f.program.callMaps?.get(pc);
  f.get32(3).set(index);
  if (known) {
    code.get(index).i32(known.maxEntries).op(I32_GE_U).branch(BR_IF, on);
    code.get(index).i32(2).op(I32_SHL).memory(I32_LOAD, known.base);
    return;
  }
  const map = f.i32;
  f.get32(2).set(map);
  code.get(index).get(map).memory(I32_LOAD, PROG_ARRAY_MAX_ENTRIES).op(I32_GE_U).branch(BR_IF, on);
  code.get(map).memory(I32_LOAD, PROG_ARRAY_STORAGE).get(index).i32(2).op(I32_SHL).op(I32_ADD).memory(I32_LOAD, 0);
}
