/**
 * What helpers do to maps in WebAssembly beside a program is what they do in JavaScript: two kernels' worth of memory,
 * laid out alike, get the same operations, one through the JIT and one through the interpreter, and stay the same byte
 * for byte.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bindHelpers, type HelperEnv } from '../../src/helpers/index.ts';
import { assemble, LD_IMM64 } from '../../src/isa/index.ts';
import { createMap, type KernelMap, type MapDef, type MapEnv, RingBufferMap } from '../../src/maps/index.ts';
import * as abi from '../../src/uapi/generated/constants.ts';
import { Engine, LinearMemory, NULL_PAGE, type Runnable } from '../../src/vm/index.ts';
import { mapDef } from '../support/map-env.ts';

const { BPF_F_NO_PREALLOC } = abi;
const CPUS = 3;
const KEYS = 12;

/** The context of the programs: r2 to r5 of the helper, and room for a key and a value. */
const CONTEXT_SIZE = 1024;
const KEY = 64;
const VALUE = 512;

/** Helper, and what its arguments behind the map are: addresses in the context, or numbers of the operation. */
const OPERATIONS = {
  lookup: { helper: abi.BPF_FUNC_map_lookup_elem, args: ['key'] },
  update: { helper: abi.BPF_FUNC_map_update_elem, args: ['key', 'value', 'flags'] },
  delete: { helper: abi.BPF_FUNC_map_delete_elem, args: ['key'] },
  push: { helper: abi.BPF_FUNC_map_push_elem, args: ['value', 'flags'] },
  pop: { helper: abi.BPF_FUNC_map_pop_elem, args: ['value'] },
  peek: { helper: abi.BPF_FUNC_map_peek_elem, args: ['value'] },
  output: { helper: abi.BPF_FUNC_ringbuf_output, args: ['value', 'size', 'flags'] },
  reserve: { helper: abi.BPF_FUNC_ringbuf_reserve, args: ['size', 'none'] },
  cpu: { helper: abi.BPF_FUNC_get_smp_processor_id, args: [] },
  random: { helper: abi.BPF_FUNC_get_prandom_u32, args: [] },
} as const;
type Name = keyof typeof OPERATIONS | 'submit' | 'discard';

interface Step {
  readonly name: Name;
  readonly key: number;
  readonly fill: number;
  readonly flags: bigint;
  readonly size: number;
  readonly cpu: number;
  /** The reader takes what there is. */
  readonly drain: boolean;
}

/** A memory with one map, and the programs that work on it. */
class World {
  readonly mem = new LinearMemory({ limit: 1 << 23 });
  readonly map: KernelMap;
  readonly ctx: number;
  readonly #engine: Engine;
  readonly #programs = new Map<Name, Runnable>();
  readonly #mode: 'jit' | 'interpreter';
  readonly #isKnown: boolean;
  readonly #reserved: number[] = [];
  #woken = 0;

  /** `isKnown`: programs know beforehand which map it is. */
  constructor(def: MapDef, mode: 'jit' | 'interpreter', isKnown: boolean) {
    this.#mode = mode;
    this.#isKnown = isKnown;
    const env: MapEnv = {
      mem: this.mem,
      cpus: CPUS,
      currentCpu: () => this.#engine.cpu,
      random: () => 0xdecade,
      notify: () => void this.#woken++,
      acquire: () => -9,
      release() {},
    };
    const map = createMap(def, env);
    if (typeof map === 'number') throw new Error(`creating the map answers ${map}`);
    this.map = map;
    this.ctx = this.mem.alloc(CONTEXT_SIZE);
    const helperEnv = {
      mem: this.mem,
      cpus: CPUS,
      mapAt: () => this.map,
      currentCpu: () => this.#engine.cpu,
      random: () => this.#engine.random(),
    };
    // The rest of an environment is not asked for by helpers of maps.
    this.#engine = new Engine(this.mem, {
      helpers: bindHelpers(helperEnv as unknown as HelperEnv),
      seed: 0x5eed,
    });
  }

  run(step: Step): unknown[] {
    const { mem, ctx } = this;
    this.#engine.cpu = step.cpu;
    mem.fill(ctx, CONTEXT_SIZE, step.fill);
    mem.write(ctx + KEY, keyBytes(this.map.def, step.key));
    if (step.drain && this.map instanceof RingBufferMap) return this.map.drain();
    if (step.name === 'submit' || step.name === 'discard') return [this.#commit(step)];
    const operation = OPERATIONS[step.name];
    operation.args.forEach((arg, i) => {
      const value = {
        key: BigInt(ctx + KEY),
        value: BigInt(ctx + VALUE),
        flags: step.flags,
        size: BigInt(step.size),
        none: 0n,
      };
      mem.setU64(ctx + 8 * i, value[arg]);
    });
    const answer = this.#program(step.name, operation.helper, operation.args.length).run(ctx);
    if (step.name === 'reserve' && answer !== 0) {
      this.#reserved.push(answer);
      mem.fill(answer, step.size, step.fill);
    }
    return [answer, this.#engine.retHi, this.#woken, this.#engine.fault];
  }

  #commit({ name, flags }: Step): number {
    const record = this.#reserved.shift();
    if (record === undefined) return -1;
    const helper = name === 'submit' ? abi.BPF_FUNC_ringbuf_submit : abi.BPF_FUNC_ringbuf_discard;
    this.mem.setU64(this.ctx, BigInt(record));
    this.mem.setU64(this.ctx + 8, flags & 3n);
    this.#program(name, helper, 2, false).run(this.ctx);
    return this.#woken;
  }

  #program(name: Name, helper: number, args: number, hasMap = true): Runnable {
    const made = this.#programs.get(name);
    if (made) return made;
    const first = hasMap ? 2 : 1;
    const load = Array.from({ length: args }, (_, i) => `r${first + i} = *(u64 *)(r6 +${8 * i})`);
    const insns = assemble(
      ['r6 = r1', ...load, ...(hasMap && args > 0 ? ['r1 = 0 ll'] : []), `call ${helper}`, 'exit'].join('\n'),
    );
    const at = insns.code.indexOf(LD_IMM64);
    const { def, addr } = this.map;
    if (at >= 0) insns.imm[at] = addr;
    const call = insns.length - 2;
    const callMaps = new Map(at >= 0 && this.#isKnown ? [[call, { ...def, addr, base: 0, stride: 0 }]] : []);
    const program = this.#engine.load({ insns, subprogs: [0], callMaps }, { mode: this.#mode });
    this.#programs.set(name, program);
    return program;
  }

  /** Everything but what the engines keep for themselves. */
  get bytes(): Uint8Array {
    return this.mem.read(NULL_PAGE, this.#engine.control - NULL_PAGE);
  }
}

/** Keys that sometimes differ in their last byte only; prefixes of a few lengths. */
function keyBytes(def: MapDef, n: number): Uint8Array {
  const key = new Uint8Array(def.keySize).fill(n >> 2);
  if (def.keySize === 0) return key;
  key[def.keySize - 1] = n;
  if (def.type === abi.BPF_MAP_TYPE_LPM_TRIE) {
    const bits = (def.keySize - 4) * 8;
    new DataView(key.buffer).setUint32(0, [bits, bits - 1, bits - 7, 5, 0, bits + 1][n % 6]!, true);
    key.fill(n % 3 === 0 ? 0 : 0xa5, 4, def.keySize - 1);
  } else if (def.type === abi.BPF_MAP_TYPE_ARRAY || def.type === abi.BPF_MAP_TYPE_PERCPU_ARRAY) {
    key.fill(0, 1).set([n]);
  }
  return key;
}

const steps = (names: readonly Name[]): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      name: fc.constantFrom(...names),
      key: fc.nat(KEYS - 1),
      fill: fc.nat(255),
      flags: fc.constantFrom(0n, 0n, 0n, 0n, 1n, 2n, 3n, 4n, 1n << 32n),
      size: fc.oneof(fc.nat(100), fc.nat(700), fc.constantFrom(1500, 4096, 0x40000000, 2 ** 32 + 8)),
      cpu: fc.nat(CPUS - 1),
      drain: fc.nat(15).map((n) => n === 0),
    }),
    { minLength: 20, maxLength: 120 },
  );

const KEYED: readonly Name[] = ['lookup', 'update', 'update', 'delete', 'cpu', 'random'];
/** What is done to a map of which programs do not know which it is. */
const UNKNOWN: readonly Name[] = ['lookup', 'lookup', 'update', 'delete'];
const QUEUED: readonly Name[] = ['push', 'push', 'pop', 'peek'];
const noPrealloc = { flags: BPF_F_NO_PREALLOC };

test.each<[string, MapDef, readonly Name[]]>([
  ['a hash table', mapDef(abi.BPF_MAP_TYPE_HASH, 4, 8, 6), KEYED],
  ['a hash table with odd sizes', mapDef(abi.BPF_MAP_TYPE_HASH, 7, 13, 8), KEYED],
  ['a hash table with long keys and values', mapDef(abi.BPF_MAP_TYPE_HASH, 93, 100, 6), KEYED],
  ['a hash table whose keys are two blocks of the hash', mapDef(abi.BPF_MAP_TYPE_HASH, 128, 8, 6), KEYED],
  ['a hash table whose keys are three blocks and a bit', mapDef(abi.BPF_MAP_TYPE_LRU_HASH, 195, 8, 6), KEYED],
  ['a hash table that grows', mapDef(abi.BPF_MAP_TYPE_HASH, 16, 24, 7, noPrealloc), KEYED],
  ['an LRU hash table', mapDef(abi.BPF_MAP_TYPE_LRU_HASH, 8, 8, 5), KEYED],
  ['a per-CPU hash table', mapDef(abi.BPF_MAP_TYPE_PERCPU_HASH, 3, 12, 6), KEYED],
  ['a per-CPU LRU hash table', mapDef(abi.BPF_MAP_TYPE_LRU_PERCPU_HASH, 12, 4, 6), KEYED],
  ['an array', mapDef(abi.BPF_MAP_TYPE_ARRAY, 4, 9, 10), ['lookup', 'update', 'delete']],
  ['a per-CPU array', mapDef(abi.BPF_MAP_TYPE_PERCPU_ARRAY, 4, 20, 10), ['lookup', 'update', 'delete']],
  ['a trie of IPv4 prefixes', mapDef(abi.BPF_MAP_TYPE_LPM_TRIE, 8, 8, 10, noPrealloc), KEYED],
  ['a trie of IPv6 prefixes', mapDef(abi.BPF_MAP_TYPE_LPM_TRIE, 20, 8, 10, noPrealloc), KEYED],
  ['a trie of odd prefixes', mapDef(abi.BPF_MAP_TYPE_LPM_TRIE, 11, 8, 10, noPrealloc), KEYED],
  ['a queue', mapDef(abi.BPF_MAP_TYPE_QUEUE, 0, 12, 5), QUEUED],
  ['a stack', mapDef(abi.BPF_MAP_TYPE_STACK, 0, 100, 5), QUEUED],
  ['a ring buffer', mapDef(abi.BPF_MAP_TYPE_RINGBUF, 0, 0, 4096), ['output', 'reserve', 'submit', 'discard']],
  ['an array found in another map', mapDef(abi.BPF_MAP_TYPE_ARRAY, 4, 9, 10), UNKNOWN],
  ['a hash table found in another map', mapDef(abi.BPF_MAP_TYPE_HASH, 4, 8, 6), UNKNOWN],
  ['a hash table of a block found in another map', mapDef(abi.BPF_MAP_TYPE_HASH, 64, 8, 6), UNKNOWN],
  ['a hash table of odd sizes found in another map', mapDef(abi.BPF_MAP_TYPE_HASH, 7, 8, 6), UNKNOWN],
  ['an LRU hash table found in another map', mapDef(abi.BPF_MAP_TYPE_LRU_HASH, 8, 8, 5), UNKNOWN],
])('%s is the same in WebAssembly and in JavaScript', (_, def, names) => {
  fc.assert(
    fc.property(steps(names), (list) => {
      const isKnown = names !== UNKNOWN;
      const [compiled, interpreted] = [new World(def, 'jit', isKnown), new World(def, 'interpreter', isKnown)];
      for (const step of list) {
        expect(compiled.run(step), JSON.stringify(step, text)).toEqual(interpreted.run(step));
        expect(Buffer.compare(compiled.bytes, interpreted.bytes), JSON.stringify(step, text)).toBe(0);
      }
    }),
    { numRuns: 15 },
  );
});

function text(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}
