/**
 * All hooks of a kernel: made when first asked for, kept for its life.
 */
import { EINVAL } from '../../base/errno.ts';
import { BpfError } from '../../base/errors.ts';
import type { Memory } from '../../base/memory.ts';
import { ATTACH_TYPES, type AttachTypeName, attachTypeName } from '../../uapi/attach-types.ts';
import type { Execution } from '../run/execution.ts';
import type { World } from '../world/world.ts';
import type { AttachPoint, HookEnv } from './attach-point.ts';
import { isCgroupPlace } from './cgroup-places.ts';
import { CgroupCallPoint } from './cgroup-point.ts';
import type { Hook, Hooks } from './hook.ts';
import { Kprobe } from './kprobe.ts';
import { CgroupSkbPoint, type Direction, SocketFilterPoint, TcxPoint, XdpPoint } from './packet-hooks.ts';
import { PerfEventPoint, type Sampling } from './perf-event.ts';
import { RawTracepoint } from './raw-tracepoint.ts';
import { Tracepoint } from './tracepoint.ts';
import { RAW_TRACEPOINTS, type TracepointFormat, tracepointFormat, tracepointFormatById } from './tracepoints.ts';

/** Where the embedded kernel's text begins, as on x86-64. Functions are given addresses as they are probed. */
const TEXT_START = 0xffffffff81000000n;
const FUNCTION_STEP = 0x40n;

export class HookTable implements Hooks {
  readonly #world: World;
  readonly #env: HookEnv;
  readonly #points = new Map<string, AttachPoint>();
  readonly #symbols = new Map<string, bigint>();
  readonly #watchers = new Set<(hook: Hook) => void>();
  readonly #sampling = new Set<PerfEventPoint>();

  constructor(mem: Memory, execution: Execution, world: World) {
    this.#world = world;
    this.#env = {
      mem,
      execution,
      swapper: world.tasks.swapper,
      changed: (hook) => {
        for (const watcher of [...this.#watchers]) watcher(hook);
      },
    };
  }

  tracepoint(category: string, name: string): Tracepoint | undefined {
    return this.#tracepoint(tracepointFormat(category, name));
  }

  tracepointById(id: number): Tracepoint | undefined {
    return this.#tracepoint(tracepointFormatById(id));
  }

  #tracepoint(format: TracepointFormat | undefined): Tracepoint | undefined {
    if (format === undefined) return undefined;
    const { category, name, id, fields } = format;
    return this.#point(`tracepoint ${category}:${name}`, () => new Tracepoint(this.#env, category, name, id, fields));
  }

  kprobe(symbol: string): Kprobe {
    return this.#point(`kprobe ${symbol}`, () => new Kprobe(this.#env, 'kprobe', symbol, this.#address(symbol)));
  }

  kretprobe(symbol: string): Kprobe {
    return this.#point(`kretprobe ${symbol}`, () => new Kprobe(this.#env, 'kretprobe', symbol, this.#address(symbol)));
  }

  rawTracepoint(name: string): RawTracepoint | undefined {
    if (!RAW_TRACEPOINTS.has(name)) return undefined;
    return this.#point(`raw_tracepoint ${name}`, () => new RawTracepoint(this.#env, name));
  }

  xdp(ifindex: number): XdpPoint {
    return this.#point(`xdp ${ifindex}`, () => new XdpPoint(this.#env, ifindex, this.#deviceName(ifindex)));
  }

  tcx(ifindex: number, direction: Direction): TcxPoint {
    const name = `${this.#deviceName(ifindex)} ${direction}`;
    return this.#point(`tcx ${ifindex} ${direction}`, () => new TcxPoint(this.#env, ifindex, direction, name));
  }

  cgroupSkb(cgroupId: bigint, direction: Direction): CgroupSkbPoint {
    return this.#point(`cgroup_skb ${cgroupId} ${direction}`, () => {
      const cgroup = this.#world.cgroups.byId(cgroupId);
      const parent = cgroup?.parent ? this.cgroupSkb(cgroup.parent.id, direction) : null;
      return new CgroupSkbPoint(this.#env, cgroupId, direction, `${cgroup?.path ?? cgroupId} ${direction}`, parent);
    });
  }

  cgroup(cgroupId: bigint, place: AttachTypeName): CgroupCallPoint {
    const { id } = ATTACH_TYPES[place];
    if (!isCgroupPlace(id)) throw new BpfError('cgroup hook', EINVAL, `${place} is no place of cgroups that is called`);
    return this.cgroupCall(cgroupId, id);
  }

  /** The same by the number of the attach type. */
  cgroupCall(cgroupId: bigint, attachType: number): CgroupCallPoint {
    return this.#point(`cgroup ${cgroupId} ${attachType}`, () => {
      const cgroup = this.#world.cgroups.byId(cgroupId);
      const parent = cgroup?.parent ? this.cgroupCall(cgroup.parent.id, attachType) : null;
      const name = `${cgroup?.path ?? cgroupId} ${attachTypeName(attachType)}`;
      return new CgroupCallPoint(this.#env, cgroupId, attachType, name, parent);
    });
  }

  socketFilter(socket: string): SocketFilterPoint {
    return this.#point(`socket_filter ${socket}`, () => new SocketFilterPoint(this.#env, socket));
  }

  /** The hook of one sampling event: each event is its own. */
  sampling(event: Sampling): PerfEventPoint {
    return new PerfEventPoint(this.#env, `${event.type}:${event.config}`, event, this.#sampling);
  }

  perfEvents(): readonly PerfEventPoint[] {
    return [...this.#sampling];
  }

  attached(): readonly Hook[] {
    return [...this.#points.values(), ...this.#sampling].filter((point) => point.attachments.length > 0);
  }

  onChange(callback: (hook: Hook) => void): () => void {
    this.#watchers.add(callback);
    return () => this.#watchers.delete(callback);
  }

  /** `name+0xoff/0xsize` of the function that an address lies in. */
  symbolAt(address: bigint): string | undefined {
    for (const [name, start] of this.#symbols) {
      if (address >= start && address < start + FUNCTION_STEP) {
        return `${name}+0x${(address - start).toString(16)}/0x${FUNCTION_STEP.toString(16)}`;
      }
    }
    return undefined;
  }

  #point<P extends AttachPoint>(key: string, make: () => P): P {
    let point = this.#points.get(key);
    if (point === undefined) this.#points.set(key, (point = make()));
    return point as P; // the key begins with the kind
  }

  #address(symbol: string): bigint {
    let address = this.#symbols.get(symbol);
    if (address === undefined) {
      address = TEXT_START + BigInt(this.#symbols.size) * FUNCTION_STEP;
      this.#symbols.set(symbol, address);
    }
    return address;
  }

  #deviceName(ifindex: number): string {
    return this.#world.devices.get(ifindex)?.name ?? `if${ifindex}`;
  }
}
