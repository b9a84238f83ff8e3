/**
 * Kernel functions on sets of CPUs. A program's own is a counted object. There are at most 64 CPUs here, so of the bits
 * that the reference kernel has only the first 64 count.
 *
 *     struct bpf_cpumask   +0 the bits (struct cpumask)   +32 u32 references
 */
import { EACCES } from '../../base/errno.ts';
import type { Helper, HelperEnv } from '../helper.ts';

const LAYOUT = { size: 40, fields: [{ kind: 'bpf_refcount', offset: 32, size: 4 }] };
/** What a set has to have room for, in bytes. */
const WORD = 8;

type Run = (env: HelperEnv, args: readonly number[], all: bigint) => number;

/** `run` gets the arguments as unsigned numbers, and the set of all CPUs. */
function onMasks(args: string, ret: Helper['ret'], run: Run): Helper {
  return {
    args,
    ret,
    bind: (env) => {
      const all = (1n << BigInt(env.cpus)) - 1n;
      return (...given) =>
        run(
          env,
          given.map((arg) => arg >>> 0),
          all,
        );
    },
  };
}

/** Looks at sets, as many as there are arguments. */
const asks = (
  count: number,
  question: (sets: readonly bigint[], all: bigint, cpus: number) => number | boolean,
): Helper =>
  onMasks('i'.repeat(count), 'int', (env, args, all) =>
    Number(
      question(
        args.map((at) => env.mem.u64(at) & all),
        all,
        env.cpus,
      ),
    ),
  );

/** Writes the set that the first argument points to, out of those that the others do. Answers whether any CPU is in it. */
const writes = (count: number, make: (sets: readonly bigint[], all: bigint) => bigint): Helper =>
  onMasks('i'.repeat(count), 'int', (env, [to, ...from], all) => {
    const set = make(
      from.map((at) => env.mem.u64(at) & all),
      all,
    );
    env.mem.setU64(to!, set);
    return set === 0n ? 0 : 1;
  });

/** One CPU of a set, which it may take in or out: answers whether it was in it. */
const onCpu = (change: (set: bigint, bit: bigint) => bigint): Helper =>
  onMasks('ii', 'int', (env, [cpu, at]) => {
    if (cpu! >= env.cpus) return 0;
    const set = env.mem.u64(at!);
    const bit = 1n << BigInt(cpu!);
    const after = change(set, bit);
    if (after !== set) env.mem.setU64(at!, after);
    return (set & bit) === 0n ? 0 : 1;
  });

/** The lowest CPU of a set; how many CPUs there are where it is empty. */
function lowest(set: bigint | undefined, cpus: number): number {
  for (let cpu = 0; cpu < cpus; cpu++) if (((set ?? 0n) >> BigInt(cpu)) & 1n) return cpu;
  return cpus;
}

export const bpf_cpumask_create = onMasks('', 'ptr', ({ objects }) => objects.create(LAYOUT));
export const bpf_cpumask_acquire = onMasks('i', 'ptr', ({ objects }, [mask]) => objects.acquire(mask!));
export const bpf_cpumask_release = onMasks('i', 'void', ({ objects }, [mask]) => {
  objects.drop(mask!);
  return 0;
});

export const bpf_cpumask_first = asks(1, ([set], _all, cpus) => lowest(set, cpus));
export const bpf_cpumask_first_zero = asks(1, ([set], all, cpus) => lowest(all & ~set!, cpus));
export const bpf_cpumask_first_and = asks(2, ([a, b], _all, cpus) => lowest(a! & b!, cpus));
/** Linux spreads answers over the CPUs of the set; here it is always the first. */
export const bpf_cpumask_any_distribute = bpf_cpumask_first;
export const bpf_cpumask_any_and_distribute = bpf_cpumask_first_and;
export const bpf_cpumask_empty = asks(1, ([set]) => set === 0n);
export const bpf_cpumask_full = asks(1, ([set], all) => set === all);
export const bpf_cpumask_equal = asks(2, ([a, b]) => a === b);
export const bpf_cpumask_intersects = asks(2, ([a, b]) => (a! & b!) !== 0n);
export const bpf_cpumask_subset = asks(2, ([a, b]) => (a! & ~b!) === 0n);
export const bpf_cpumask_weight = asks(1, ([set]) => set!.toString(2).replaceAll('0', '').length);

export const bpf_cpumask_set_cpu: Helper = { ...onCpu((set, bit) => set | bit), ret: 'void' };
export const bpf_cpumask_clear_cpu: Helper = { ...onCpu((set, bit) => set & ~bit), ret: 'void' };
export const bpf_cpumask_test_cpu = onCpu((set) => set);
export const bpf_cpumask_test_and_set_cpu = onCpu((set, bit) => set | bit);
export const bpf_cpumask_test_and_clear_cpu = onCpu((set, bit) => set & ~bit);

export const bpf_cpumask_setall: Helper = { ...writes(1, (_sets, all) => all), ret: 'void' };
export const bpf_cpumask_clear: Helper = { ...writes(1, () => 0n), ret: 'void' };
export const bpf_cpumask_copy: Helper = { ...writes(2, ([set]) => set!), ret: 'void' };
export const bpf_cpumask_and = writes(3, ([a, b]) => a! & b!);
export const bpf_cpumask_or: Helper = { ...writes(3, ([a, b]) => a! | b!), ret: 'void' };
export const bpf_cpumask_xor: Helper = { ...writes(3, ([a, b]) => a! ^ b!), ret: 'void' };

/** Takes over the bits at an address: -EACCES where there are too few. */
export const bpf_cpumask_populate = onMasks('iii', 'int', ({ mem }, [to, from, size], all) => {
  if (size! < WORD) return -EACCES;
  mem.setU64(to!, mem.u64(from!) & all);
  return 0;
});
