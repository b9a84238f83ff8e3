/**
 * What the embedded kernel looks like from outside.
 */
import type { Clock } from '../helpers/index.ts';
import type { Fd, Kernel } from '../sys/index.ts';
import type { Capability } from '../uapi/capabilities.ts';
import type { VerifierInput, VerifierResult } from '../verifier/index.ts';
import { attachSocketFilter } from './attach/socket-filter.ts';
import { Client } from './client.ts';
import { Core } from './core.ts';
import type { Hooks } from './hooks/hook.ts';
import type { World } from './world/world.ts';

export interface KernelOptions {
  /** Bytes of linear memory that programs, maps and stacks may take together. Default 1 GiB. */
  memoryLimit?: number;
  /** CPUs of the world, 1 to 64. Default 2: enough to show per-CPU values, few enough to read. */
  cpus?: number;
  /** Time. Default: the host's clocks. */
  clock?: Clock;
  /** Seeds the kernel's randomness, so that a run can be repeated. Default: from the host. */
  seed?: number;
  /** Bytes of the kernel's BTF, asked for once, when something needs them. Default: the reference kernel's. */
  kernelBtf?: () => Uint8Array | Promise<Uint8Array>;
  /** How programs run, with the same answers. Default `tiered`: short first runs are interpreted, all others compiled. */
  mode?: 'jit' | 'interpreter' | 'tiered';
  /** Programs run as if nobody had verified them: within the kernel's memory and so many rounds, checked at each step. For tests. */
  checked?: boolean;
  /**
   * Who decides about programs. Default: the verifier of `skep/verifier`. Another one is for tests and fuzzers: what it
   * accepts runs without checks, confined only to the kernel's memory.
   */
  verify?: (input: VerifierInput) => VerifierResult;
  /** Told what was decided about each program, before anything is made of it. */
  onVerdict?: (result: VerifierResult) => void;
  /** Called with a sentence when something needs a person's attention. Default: silence. */
  warn?: (message: string) => void;
}

/** Who a client is: what the kernel records as creator and shows as holder. */
export interface ClientIdentity {
  /** Default 1. */
  pid?: number;
  /** Default 0. */
  uid?: number;
  /** Default `skep`. */
  comm?: string;
  /**
   * What it may do: without CAP_BPF it loads nothing, without CAP_PERFMON programs may not see addresses, and so on.
   * CAP_SYS_ADMIN includes CAP_BPF and CAP_PERFMON. Default: all of them, whatever the uid.
   */
  capabilities?: Iterable<Capability>;
}

/** How much a kernel holds: all zero, and it may end. */
export interface KernelUsage {
  programs: number;
  maps: number;
  links: number;
  btfs: number;
  pins: number;
  clients: number;
  /** Bytes of linear memory in use. */
  memory: number;
}

export interface EmbeddedKernel {
  /** A client with a descriptor table of its own; closing it closes all its descriptors. */
  open(identity?: ClientIdentity): Kernel;
  /** The places where programs attach, for whoever fires them. */
  readonly hooks: Hooks;
  /** What programs can look at: tasks, devices, cgroups, time. */
  readonly world: World;
  /** How many CPUs the world has. */
  readonly possibleCpus: number;
  /**
   * setsockopt SO_ATTACH_BPF on a socket of the world: puts the program of `client`'s descriptor at
   * `hooks.socketFilter(socket)` in the place of an earlier one, and answers how to take it off. Throws BpfError.
   */
  attachSocketFilter(socket: string, client: Kernel, progFd: Fd): () => void;
  /** How many objects, pins, clients and bytes there are. */
  usage(): KernelUsage;
  /**
   * Unpacks the kernel's BTF now. Commands do this by themselves when they need it; who fires hooks from the first
   * moment on may want it earlier.
   */
  loadBtf(): Promise<void>;
}

/** An embedded kernel: a world of its own, in this process. */
export function createKernel(options: KernelOptions = {}): EmbeddedKernel {
  const core = new Core(options);
  return {
    open: (identity = {}) => new Client(core, identity),
    hooks: core.hooks,
    world: core.world,
    possibleCpus: core.cpus,
    attachSocketFilter: (socket, client, progFd) => attachSocketFilter(core, socket, client, progFd),
    usage: () => core.usage(),
    loadBtf: () => core.loadKernelBtf(),
  };
}
