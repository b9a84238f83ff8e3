/** `skep run`: every program of the object to its place, told what the command line says, kept to what is ours. */
import { readlinkSync } from 'node:fs';
import { EBUSY } from '../../base/errno.ts';
import { BpfError, SkepError, UnsupportedError, UsageError } from '../../base/errors.ts';
import { AttachError, type BpfLink, type BpfMap, type BpfProgram, type Collection } from '../../client/index.ts';
import {
  BPF_PROG_TYPE_CGROUP_SKB,
  BPF_PROG_TYPE_FLOW_DISSECTOR,
  BPF_PROG_TYPE_NETFILTER,
  BPF_PROG_TYPE_SK_LOOKUP,
  BPF_PROG_TYPE_STRUCT_OPS,
} from '../../uapi/generated/constants.ts';
import type { Closers } from '../closers.ts';
import type { Host } from '../host.ts';
import type { RunOptions } from './options.ts';

/** Where packets are when nobody says: the root of the embedded kernel's cgroup tree. */
const ROOT_CGROUP = '/sys/fs/cgroup';
/** Programs that see all of a network namespace. */
const OF_NAMESPACE: ReadonlySet<number> = new Set([
  BPF_PROG_TYPE_SK_LOOKUP,
  BPF_PROG_TYPE_FLOW_DISSECTOR,
  BPF_PROG_TYPE_NETFILTER,
]);

export async function attachAll(
  host: Host,
  collection: Collection,
  options: RunOptions,
  owned: Closers,
): Promise<void> {
  const programs = Object.values(collection.programs);
  if (programs.length === 0) {
    throw new SkepError('ERR_ATTACH', `'${options.object}' has no program: give a function a SEC("…") of its own`);
  }
  const device = options.device ?? (options.pcap === undefined ? undefined : (await host.kernel.netDevices())[0]?.name);
  const called = programs.filter(({ origin }) => origin.type !== BPF_PROG_TYPE_STRUCT_OPS);
  const structures = [...collection.spec.maps.values()].filter(({ structOps }) => structOps && !structOps.optional);
  const steps = [
    ...called.map((program) => () => attachOne(host, program, { ...options, device })),
    ...structures.map((map) => () => register(host, collection.map(map.name))),
  ];
  const impossible: UnsupportedError[] = [];
  for (const step of steps) {
    try {
      const link = await step();
      owned.add(() => link.close());
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      impossible.push(error);
    }
  }
  // Where nothing is attached the first reason is the error; else the others work, and these are told.
  const [first] = impossible;
  if (first && impossible.length === steps.length) throw first;
  for (const { message } of impossible) process.stderr.write(`skep: ${message}\n`);
}

async function attachOne(host: Host, program: BpfProgram, options: RunOptions): Promise<BpfLink> {
  const { device, pcap } = options;
  const { name, origin } = program;
  const packets = pcap !== undefined && origin.type === BPF_PROG_TYPE_CGROUP_SKB;
  const cgroup = options.cgroup ?? (packets ? ROOT_CGROUP : host.cgroup?.path);
  if (host.cgroup && OF_NAMESPACE.has(origin.type) && isMachinesNamespace()) {
    throw new UnsupportedError(`'${name}' (SEC("${origin.section}")) for one command`, {
      hint: 'it sees all of a network namespace: run skep in one, as unshare --net skep --kernel linux run …',
    });
  }
  try {
    return await program.attach({
      ...(device === undefined ? {} : { device }),
      ...(cgroup === undefined ? {} : { cgroup }),
    });
  } catch (error) {
    if (error instanceof AttachError && (error.needs === 'device' || error.needs === 'cgroup')) {
      throw new UsageError(`'${name}' (SEC("${origin.section}")) needs to know its ${error.needs}: --${error.needs} …`);
    }
    if (error instanceof BpfError) {
      const hint = error.errno === EBUSY ? '; one program at a time: choose with --prog NAME' : '';
      throw new SkepError(error.code, `cannot attach '${name}': ${error.message}${hint}`, { cause: error });
    }
    throw error;
  }
}

/** A structure of functions is there for everybody who chooses it. */
async function register({ cgroup }: Host, map: BpfMap): Promise<BpfLink> {
  if (cgroup) {
    throw new UnsupportedError(`registering '${map.name}' for one command`, {
      hint: 'the whole machine has it: leave the command out',
    });
  }
  return map.attach();
}

/** Whether we are in the network namespace that everybody else is in. */
function isMachinesNamespace(): boolean {
  return readlinkSync('/proc/self/ns/net') === readlinkSync('/proc/1/ns/net');
}
