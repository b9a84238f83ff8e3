/**
 * The inside of the embedded kernel: what all its clients share. Everything here is synchronous, and answers are
 * numbers, `-errno` where something is refused.
 */
import { EBADF, EINVAL, ENOENT } from '../base/errno.ts';
import { type Btf, loadReferenceBtfBytes, parseBtf } from '../btf/index.ts';
import { bindHelpers, bindKfuncs, ObjectStore } from '../helpers/index.ts';
import type { MapEnv, MapObject } from '../maps/index.ts';
import { StatePool, type VerifierInput, type VerifierResult, verify } from '../verifier/index.ts';
import { Engine, LinearMemory, type Mode } from '../vm/index.ts';
import { BpfFileSystem } from './bpffs/bpffs.ts';
import type { Client } from './client.ts';
import type { KernelOptions, KernelUsage } from './embedded.ts';
import { HookTable } from './hooks/hook-table.ts';
import { BtfObject } from './objects/btf.ts';
import { CgroupHandle } from './objects/cgroup.ts';
import { Ids } from './objects/ids.ts';
import type { Link } from './objects/link.ts';
import { type LiveMap, MapRegistry } from './objects/map.ts';
import type { KernelObject } from './objects/object.ts';
import { LoadedProg } from './objects/prog.ts';
import { mayEnter } from './objects/prog-array.ts';
import { TracePipe } from './readers/trace-pipe.ts';
import { Execution } from './run/execution.ts';
import { packetLoad } from './run/packet-load.ts';
import { CgroupBlocks } from './world/cgroup-struct.ts';
import { CgroupTree } from './world/cgroups.ts';
import { hostClock } from './world/clock.ts';
import { DeviceTable } from './world/devices.ts';
import { TaskBlocks } from './world/task-struct.ts';
import { TaskTable } from './world/tasks.ts';
import type { World } from './world/world.ts';

const DEFAULT_CPUS = 2;
const MAX_CPUS = 64;

/**
 * Something asked for the kernel's BTF before it was unpacked: load it and ask again. What throws this has changed
 * nothing yet.
 */
export class KernelBtfNeeded extends Error {}

export class Core {
  readonly mem: LinearMemory;
  readonly cpus: number;
  readonly mode: Mode;
  readonly checked: boolean;
  readonly world: World;
  readonly hooks: HookTable;
  readonly execution: Execution;
  readonly engine: Engine;
  /** Kernel functions that programs may call and run, by name. */
  readonly kfuncs: ReturnType<typeof bindKfuncs>;
  /** What programs allocated. */
  readonly objects: ObjectStore;
  readonly cgroupBlocks: CgroupBlocks;
  readonly trace = new TracePipe();
  readonly bpffs = new BpfFileSystem();
  readonly progs = new Ids<LoadedProg>();
  readonly maps = new MapRegistry(new Ids<LiveMap>());
  readonly links = new Ids<Link>();
  readonly btfs = new Ids<BtfObject>();
  readonly clients = new Set<Client>();
  readonly mapEnv: MapEnv;
  /** The kernel's own BTF: id 1. */
  readonly vmlinux: BtfObject;
  readonly verify: (input: VerifierInput) => VerifierResult;
  readonly warn: (message: string) => void;
  /** Whose bpf(2) is being answered: descriptors in map values are looked up in its table. */
  #caller: Client | undefined;
  #kernelBtfBytes: Uint8Array | undefined;
  #kernelBtfLoading: Promise<void> | undefined;
  readonly #kernelBtfSource: () => Uint8Array | Promise<Uint8Array>;

  constructor(options: KernelOptions) {
    this.warn = options.warn ?? (() => {});
    const pool = new StatePool();
    const { verify: decide = (input) => verify(input, pool), onVerdict } = options;
    this.verify = (input) => {
      const result = decide(input);
      onVerdict?.(result);
      return result;
    };
    this.mem = new LinearMemory(options.memoryLimit === undefined ? {} : { limit: options.memoryLimit });
    this.cpus = Math.max(1, Math.min(MAX_CPUS, Math.trunc(options.cpus ?? DEFAULT_CPUS)));
    this.mode = options.mode ?? 'tiered';
    this.checked = options.checked ?? false;
    this.#kernelBtfSource = options.kernelBtf ?? loadReferenceBtfBytes;
    this.vmlinux = new BtfObject(this.btfs, 'vmlinux', () => parseBtf(this.kernelBtfBytes));

    const random = (): number => this.engine.random();
    const clock = options.clock ?? hostClock();
    const blocks = new TaskBlocks(this.mem, () => (this.hasKernelBtf ? this.kernelBtf : undefined));
    const cgroups = new CgroupTree();
    this.world = {
      tasks: new TaskTable(this.mem, blocks, clock, cgroups),
      devices: new DeviceTable((ifindex) => this.#deviceRemoved(ifindex)),
      cgroups,
      clock,
      random,
    };
    this.objects = new ObjectStore(this.mem, this.cpus, (addr) => this.world.tasks.release(addr));
    this.cgroupBlocks = new CgroupBlocks(this.mem, () => this.kernelBtf, cgroups);
    this.execution = new Execution(this); // reads what is set above
    this.hooks = new HookTable(this.mem, this.execution, this.world);
    this.kfuncs = bindKfuncs(this.execution);
    this.engine = new Engine(this.mem, {
      helpers: bindHelpers(this.execution),
      packetLoad: packetLoad(this.execution),
      seed: options.seed ?? hostSeed(),
    });
    if (this.checked) this.engine.regions = [{ start: 1, size: 2 ** 32 - 1, writable: true }];
    this.execution.engine = this.engine;
    this.mapEnv = {
      mem: this.mem,
      cpus: this.cpus,
      currentCpu: () => this.execution.currentCpu(),
      random,
      notify: (map) => this.maps.byAddr.get(map.addr)?.reader?.wake(),
      acquire: (kind, fd, map) => this.#acquire(kind, fd, this.maps.byAddr.get(map.addr)),
      release: (object) => (object as MapObject & KernelObject).drop(),
      clearField: (field, value) => this.objects.clear(field, value),
      hasDevice: (ifindex) => this.world.devices.get(ifindex) !== undefined,
    };
  }

  /** Bytes of the kernel's BTF. Throws KernelBtfNeeded before `loadKernelBtf` is done. */
  get kernelBtfBytes(): Uint8Array {
    if (this.#kernelBtfBytes === undefined) throw new KernelBtfNeeded();
    return this.#kernelBtfBytes;
  }

  get hasKernelBtf(): boolean {
    return this.#kernelBtfBytes !== undefined;
  }

  /** Unpacks the kernel's BTF, once. It takes a tenth of a second, so it waits until something asks. */
  loadKernelBtf(): Promise<void> {
    this.#kernelBtfLoading ??= (async () => {
      this.#kernelBtfBytes = await this.#kernelBtfSource();
    })();
    return this.#kernelBtfLoading;
  }

  get kernelBtf(): Btf {
    return this.vmlinux.btf;
  }

  /** A descriptor of the cgroup at a path below the mount point, or -errno. */
  openCgroup(client: Client, path: string): number {
    const cgroup = this.world.cgroups.get(path);
    return cgroup === undefined ? -ENOENT : client.fds.install(new CgroupHandle(cgroup));
  }

  /** Runs `work` as a system call of `client`. */
  onBehalfOf<T>(client: Client, work: () => T): T {
    const before = this.#caller;
    this.#caller = client;
    try {
      return work();
    } finally {
      this.#caller = before;
    }
  }

  usage(): KernelUsage {
    return {
      programs: this.progs.size,
      maps: this.maps.ids.size,
      links: this.links.size,
      btfs: this.btfs.size - 1, // all but the kernel's own
      pins: this.bpffs.pins,
      clients: this.clients.size,
      memory: this.mem.used,
    };
  }

  #acquire(kind: MapObject['kind'], fd: number, map: LiveMap | undefined): MapObject | number {
    const object = this.#caller?.fds.get(fd)?.object;
    if (object === undefined) return -EBADF;
    if (object.kind !== kind) return -EINVAL;
    if (object instanceof LoadedProg && (map === undefined || !mayEnter(object, map))) return -EINVAL;
    object.hold();
    return object as KernelObject & MapObject;
  }

  #deviceRemoved(ifindex: number): void {
    for (const link of this.links) if (link.target.ifindex === ifindex) link.detach();
    for (const direction of ['ingress', 'egress'] as const) {
      const point = this.hooks.tcx(ifindex, direction);
      for (const attachment of [...point.attachments]) {
        point.detach(attachment);
        attachment.prog.drop();
      }
    }
  }
}

function hostSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
