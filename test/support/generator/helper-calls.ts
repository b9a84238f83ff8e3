/**
 * Calls of any helper that the program may call, with what it wants in each argument: mostly right, so that what is
 * wrong now and then is what the verifier has to find.
 */
import {
  BPF_ADD,
  BPF_AND,
  BPF_JGT,
  BPF_JMP,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
} from '../../../src/isa/index.ts';
import * as abi from '../../../src/uapi/generated/constants.ts';
import type { ArgKind, RetKind } from '../../../src/uapi/helper-kinds.ts';
import { HELPERS, type HelperName, type HelperRow } from '../../../src/uapi/helpers.ts';
import { progTypeName } from '../../../src/uapi/prog-types.ts';
import { FP, type GeneratedMap, type Generator, type Reg, SIZES } from './program.ts';
import { Early, followPointer, kernelPointer, PLACES, pointAt, socket, typedValue, writtenBuffer } from './sources.ts';

const SCALAR: Reg = { kind: 'scalar', limit: undefined };
const NONE: Reg = { kind: 'none', limit: undefined };
const TEXT = '%d %s %llx\0';
const OBJECT = 7;
const OTHER = 8;

/** Maps that only some helpers take, by what the helper's name begins with. */
const SPECIAL_MAPS: readonly (readonly [RegExp, () => GeneratedMap])[] = [
  [/^ringbuf_/, () => map(abi.BPF_MAP_TYPE_RINGBUF, 0, 0, 4096)],
  [/^user_ringbuf/, () => map(abi.BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096)],
  [/^tail_call/, () => map(abi.BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 2)],
  [/^(perf_event|skb_output|xdp_output)/, () => map(abi.BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 4)],
  [/^get_stackid/, () => map(abi.BPF_MAP_TYPE_STACK_TRACE, 4, 64, 4)],
  [/under_cgroup/, () => map(abi.BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 2)],
  [/^get_local_storage/, () => map(abi.BPF_MAP_TYPE_CGROUP_STORAGE, 16, 8, 0)],
  [/^redirect_map/, () => map(abi.BPF_MAP_TYPE_DEVMAP, 4, 4, 4)],
  [/^(sk_redirect_map|msg_redirect_map|sock_map_update)/, () => map(abi.BPF_MAP_TYPE_SOCKMAP, 4, 4, 4)],
  [/(redirect|sock)_hash/, () => map(abi.BPF_MAP_TYPE_SOCKHASH, 4, 4, 4)],
  [/^sk_select_reuseport/, () => map(abi.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, 4, 8, 4)],
  [/^map_(push|pop|peek)/, () => map(abi.BPF_MAP_TYPE_QUEUE, 0, 8, 4)],
  [/_storage_/, () => map(abi.BPF_MAP_TYPE_SK_STORAGE, 4, 8, 0, abi.BPF_F_NO_PREALLOC)],
  [/^map_lookup_percpu/, () => map(abi.BPF_MAP_TYPE_PERCPU_ARRAY, 4, 16, 4)],
];

function map(type: number, keySize: number, valueSize: number, maxEntries: number, flags = 0): GeneratedMap {
  return { type, keySize, valueSize, maxEntries, flags };
}

/** The helpers of a program type, by name. */
export function callableHelpers(g: Generator): HelperName[] {
  return (Object.keys(HELPERS) as HelperName[]).filter(
    (name) => g.may(HELPERS[name].id) && !(HELPERS[name] as HelperRow).absent,
  );
}

export function helperCall(g: Generator): void {
  const name = g.random.pick(g.random.oneIn(60) ? (Object.keys(HELPERS) as HelperName[]) : g.helpers);
  const row: HelperRow = HELPERS[name];
  const type = progTypeName(g.progType);
  const args = row.variants?.find(({ in: types }) => type !== undefined && types.includes(type))?.args ?? row.args;
  const early = new Early(g);
  const made = prepare(g, early, args);
  if (made === undefined) return early.end();
  const at = mapFor(g, name);
  for (const [i, kind] of args.entries()) argument(g, { kind, reg: i + 1, name, map: at, next: args[i + 1] });
  g.out.call(row.id);
  g.afterCall();
  g.set(0, 'none');
  answer(g, early, name, row.ret, g.maps[at]);
  if (made && !g.mistake()) {
    g.out.movReg(1, OBJECT);
    g.out.call(abi.BPF_FUNC_sk_release);
    g.afterCall();
  }
  g.set(OBJECT, 'none');
  early.end();
  g.set(0, 'none');
}

/** What has to be at hand before: true where a socket has to be given back, undefined where it cannot be had. */
function prepare(g: Generator, early: Early, args: readonly ArgKind[]): boolean | undefined {
  let release = false;
  for (const kind of args) {
    if (kind.includes('sock') && (!kind.includes('_or_null') || g.random.oneIn(2))) {
      const from = socket(g, early, OBJECT);
      if (from === undefined) return undefined;
      release = from && !kind.endsWith('_release');
    } else if (kind === 'spin_lock' || kind === 'timer' || kind === 'kptr_xchg_dest') {
      const name = { spin_lock: 'locked', timer: 'timed', kptr_xchg_dest: 'pointers' }[kind];
      const value = typedValue(g, early, name, OBJECT);
      if (value && kind === 'kptr_xchg_dest') g.out.aluImm(BPF_ADD, OBJECT, 8 * g.random.below(6), true);
    } else if (kind.startsWith('btf_id:') || kind === 'btf_id_or_null:task_struct') {
      if (kernelPointer(g, early, OTHER) === undefined) return undefined;
    } else if (kind === 'ringbuf_mem_release') reserved(g, early);
    else if (kind === 'const_dynptr') localDynptr(g);
    else if (kind === 'dynptr_release:ringbuf') ringDynptr(g);
  }
  return release;
}

function reserved(g: Generator, early: Early): void {
  g.out.ldImm64(1, mapFor(g, 'ringbuf_reserve'), 0, BPF_PSEUDO_MAP_FD);
  g.out.movImm(2, g.random.pick([8, 16]));
  g.out.movImm(3, 0);
  g.out.call(abi.BPF_FUNC_ringbuf_reserve);
  g.afterCall();
  early.ifNull(0);
  g.out.movReg(OBJECT, 0);
  if (g.random.oneIn(3)) g.out.storeImm(8, OBJECT, 0, 1);
}

function localDynptr(g: Generator): void {
  g.out.ldImm64(1, g.mapOf(map(abi.BPF_MAP_TYPE_ARRAY, 4, 64, 1)), 0, BPF_PSEUDO_MAP_VALUE);
  g.out.movImm(2, 8);
  g.out.movImm(3, 0);
  pointAt(g, 4, PLACES.dynptr);
  g.out.call(abi.BPF_FUNC_dynptr_from_mem);
  g.afterCall();
}

function ringDynptr(g: Generator): void {
  g.out.ldImm64(1, mapFor(g, 'ringbuf_reserve'), 0, BPF_PSEUDO_MAP_FD);
  g.out.movImm(2, 16);
  g.out.movImm(3, 0);
  pointAt(g, 4, PLACES.dynptr);
  g.out.call(abi.BPF_FUNC_ringbuf_reserve_dynptr);
  g.afterCall();
}

function mapFor(g: Generator, name: string): number {
  const special = SPECIAL_MAPS.find(([pattern]) => pattern.test(name));
  if (g.mistake()) return g.mapOf(g.random.pick(SPECIAL_MAPS)[1]());
  if (special) return g.mapOf(special[1]());
  return g.random.oneIn(2)
    ? g.mapOf(map(abi.BPF_MAP_TYPE_HASH, 8, 32, 4))
    : g.mapOf(map(abi.BPF_MAP_TYPE_ARRAY, 4, 64, 1));
}

interface Argument {
  kind: ArgKind;
  reg: number;
  name: HelperName;
  map: number;
  next: ArgKind | undefined;
}

function argument(g: Generator, { kind, reg, name, map: at, next }: Argument): void {
  const [base, parameter = ''] = kind.split(':') as [string, string?];
  const ctx = g.of('ctx').filter((r) => r >= 6);
  if (g.mistake()) return unfitting(g, reg);
  if (base.endsWith('_or_null') && g.random.oneIn(3)) return g.out.movImm(reg, 0);
  if (base.startsWith('ctx') && ctx.length > 0) return g.out.movReg(reg, g.random.pick(ctx));
  if (base === 'const_map_ptr') {
    g.out.ldImm64(reg, at, 0, BPF_PSEUDO_MAP_FD);
    return;
  }
  if (base === 'map_key') return writtenBuffer(g, reg, g.maps[at]!.keySize);
  if (base.includes('map_value')) return writtenBuffer(g, reg, Math.min(g.maps[at]!.valueSize, 64));
  if (base.includes('mem') && base !== 'ringbuf_mem_release')
    return memory(g, reg, base, Number(parameter) || 16, next);
  if (base.startsWith('const_')) return constant(g, reg, base);
  if (base === 'func') return callback(g, reg, name);
  if (base === 'stack_or_null') return pointAt(g, reg, PLACES.buffer);
  if (base.includes('dynptr')) return pointAt(g, reg, base === 'uninit_dynptr' ? PLACES.dynptr2 : PLACES.dynptr);
  if (base.startsWith('btf_id') && !base.includes('sock')) return g.out.movReg(reg, OTHER);
  if (base === 'kptr_or_null_release') return g.out.movImm(reg, 0);
  if (base === 'anything') {
    if (g.random.oneIn(3)) g.out.movReg(reg, g.scalar() >= 6 ? g.scalar() : FP);
    else g.out.movImm(reg, g.random.pick([0, 0, 0, 1, g.random.edgy()]));
    return;
  }
  g.out.movReg(reg, OBJECT);
}

/** Something else: a number, a pointer of another kind, a register that was not written. */
function unfitting(g: Generator, reg: number): void {
  g.random.pick([
    () => g.out.movImm(reg, g.random.edgy()),
    () => g.out.movReg(reg, g.random.below(11)),
    () => g.out.movReg(reg, FP),
    () => pointAt(g, reg, -8 * g.random.below(70)),
    () => {},
    () => void g.out.ldImm64(reg, g.mapOf(map(abi.BPF_MAP_TYPE_ARRAY, 4, 64, 1)), 60, BPF_PSEUDO_MAP_VALUE),
  ])();
}

function memory(g: Generator, reg: number, base: string, size: number, next: ArgKind | undefined): void {
  const sized = next?.startsWith('const_size') === true;
  const bytes = sized ? 32 : size;
  if (g.random.oneIn(3)) {
    g.out.ldImm64(reg, g.mapOf(map(abi.BPF_MAP_TYPE_ARRAY, 4, 64, 1)), g.random.pick([0, 8, 32]), BPF_PSEUDO_MAP_VALUE);
  } else if (base.startsWith('uninit') && g.random.oneIn(2)) pointAt(g, reg, PLACES.buffer);
  else writtenBuffer(g, reg, Math.min(bytes, 64));
}

function constant(g: Generator, reg: number, base: string): void {
  if (base === 'const_str') {
    g.out.ldImm64(reg, textMap(g), g.random.oneIn(8) ? 4 : 0, BPF_PSEUDO_MAP_VALUE);
    return;
  }
  if (base.startsWith('const_size') && g.random.oneIn(4)) {
    const from = g.scalars().filter((r) => r >= 6);
    if (from.length > 0) {
      g.out.movReg(reg, g.random.pick(from));
      if (g.random.oneIn(2)) g.out.aluImm(BPF_AND, reg, g.random.pick([7, 15, 31, 63]), true);
      else g.out.raw(BPF_JMP | BPF_JGT, reg, 0, 0, 31); // both ways lead on: a bound that is forgotten again
      return;
    }
  }
  g.out.movImm(reg, g.random.pick([8, 8, 16, 4, 1, 32, 0, g.mistake() ? 400 : 24]));
}

/** A frozen map that holds a format. */
export function textMap(g: Generator): number {
  const at = g.maps.findIndex(({ frozen }) => frozen === true);
  if (at >= 0) return at;
  const values = [Uint8Array.from({ length: 16 }, (_, i) => TEXT.charCodeAt(i) || 0)];
  return g.maps.push({ ...map(abi.BPF_MAP_TYPE_ARRAY, 4, 16, 1, abi.BPF_F_RDONLY_PROG), values, frozen: true }) - 1;
}

function callback(g: Generator, reg: number, name: HelperName): void {
  const args: Record<string, Reg[]> = {
    loop: [SCALAR, NONE],
    for_each_map_elem: [NONE, NONE, { kind: 'mem', limit: 8 }, NONE],
    timer_set_callback: [NONE, NONE, NONE],
    find_vma: [NONE, NONE, NONE],
    user_ringbuf_drain: [NONE, NONE],
  };
  if (g.subprogs.length >= 6) return g.out.movImm(reg, 0);
  g.calls.push({ pc: g.out.ldImm64(reg, -1, 0, BPF_PSEUDO_FUNC), index: g.subprogs.length });
  g.subprogs.push({ args: args[name] ?? [NONE], callback: true });
}

/** What the helper answered is used, and given back where that is due. */
function answer(g: Generator, early: Early, name: HelperName, ret: RetKind, of: GeneratedMap | undefined): void {
  if (ret === 'integer' || ret === 'void') return;
  const struct = /btf_id(?:_or_null)?:(\w+)/.exec(ret)?.[1];
  if (ret.includes('or_null') || g.random.oneIn(10)) early.ifNull(0);
  if (struct !== undefined) {
    g.out.movReg(OTHER, 0);
    followPointer(g, early, OTHER, struct);
    return;
  }
  if (ret.includes('sock')) {
    if (g.random.oneIn(2)) g.out.load(4, 1, 0, g.random.pick([0, 4, 8, 24, 44, 76]));
    g.set(1, 'none');
    if (!/lookup/.test(name) || g.mistake()) return;
    g.out.movReg(1, 0);
    g.out.call(abi.BPF_FUNC_sk_release);
    g.afterCall();
    return;
  }
  const limit = Math.max(8, Math.min(of?.valueSize ?? 8, 64));
  const size = g.random.pick(SIZES);
  const off = g.random.below(limit / size) * size + (g.mistake() ? limit : 0);
  if (g.random.oneIn(2)) g.out.storeImm(size, 0, off, g.random.edgy());
  else g.out.load(size, 1, 0, off);
  g.set(1, 'none');
  if (name !== 'ringbuf_reserve' || g.mistake()) return;
  g.out.movReg(1, 0);
  g.out.movImm(2, 0);
  g.out.call(abi.BPF_FUNC_ringbuf_discard);
  g.afterCall();
}
