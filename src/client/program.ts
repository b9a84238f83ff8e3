/** A loaded program. */
import type { Fd, Kernel } from '../sys/index.ts';
import type { ProgInfo } from '../uapi/infos.ts';
import { attachProgram } from './attach.ts';
import type { AttachOptions } from './attach-options.ts';
import { Handle } from './handle.ts';
import type { BpfLink } from './link.ts';
import type { UsdtSpecs } from './usdt-specs.ts';

/** What the object file says of a program. */
export interface ProgramOrigin {
  readonly name: string;
  /** SEC("…") as written; '' where it is not known. */
  readonly section: string;
  /** BPF_PROG_TYPE_*. */
  readonly type: number;
  readonly attachType: number;
  /** What follows the section's first slash. */
  readonly attachTo: string;
}

export interface TestRunInput {
  /** The packet. */
  data?: Uint8Array;
  /** The context structure, for types whose context the caller may give. */
  context?: Uint8Array;
  /** How often to run; default 1. */
  repeat?: number;
  flags?: number;
  cpu?: number;
}

export interface TestRunResult {
  readonly retval: number;
  /** Nanoseconds a run, averaged. */
  readonly durationNs: number;
  /** The packet as the program left it; empty where none was given. */
  readonly data: Uint8Array;
  readonly context: Uint8Array;
}

/** Room for a packet that grew. */
const ROOM = 32 * 1024;

export class BpfProgram extends Handle {
  readonly name: string;
  readonly origin: ProgramOrigin;
  /** The verifier's log, where one was asked for. */
  readonly log: string;
  /** What programs of its object know of static probes. */
  readonly specs: UsdtSpecs | undefined;

  constructor(kernel: Kernel, fd: Fd, origin: ProgramOrigin, log = '', specs?: UsdtSpecs) {
    super(kernel, fd);
    this.name = origin.name;
    this.origin = origin;
    this.log = log;
    this.specs = specs;
  }

  /** The program pinned at a path. */
  static async open(kernel: Kernel, path: string): Promise<BpfProgram> {
    const { ret } = await kernel.bpf('OBJ_GET', { pathname: path });
    return BpfProgram.#adopt(kernel, ret);
  }

  /** The program with an id: ENOENT where there is none. */
  static async byId(kernel: Kernel, id: number): Promise<BpfProgram> {
    const { ret } = await kernel.bpf('PROG_GET_FD_BY_ID', { prog_id: id });
    return BpfProgram.#adopt(kernel, ret);
  }

  static async #adopt(kernel: Kernel, fd: Fd): Promise<BpfProgram> {
    const unknown = { name: '', section: '', type: 0, attachType: 0, attachTo: '' };
    const program = new BpfProgram(kernel, fd, unknown);
    try {
      const { name, type } = await program.info();
      return new BpfProgram(kernel, fd, { ...unknown, name, type });
    } catch (error) {
      await program.close();
      throw error;
    }
  }

  info(): Promise<ProgInfo> {
    return this.bpf.progInfo(this.fd);
  }

  /**
   * Attaches where the section says; `options` say what it does not (the device, the cgroup, the event). Close the
   * link to detach.
   */
  attach(options: AttachOptions = {}): Promise<BpfLink> {
    return attachProgram(this, options);
  }

  /** Runs the program with what is given, in the kernel, without any event. */
  async testRun(input: TestRunInput = {}): Promise<TestRunResult> {
    const result = await this.bpf.testRun({
      prog_fd: this.fd,
      repeat: input.repeat ?? 1,
      flags: input.flags ?? 0,
      cpu: input.cpu ?? 0,
      ...(input.data ? { data_in: input.data, data_out: input.data.length + ROOM } : {}),
      ...(input.context ? { ctx_in: input.context, ctx_out: input.context.length } : {}),
    });
    return {
      retval: result.retval,
      durationNs: result.duration,
      data: result.data_out?.slice(0, result.data_size_out) ?? new Uint8Array(),
      context: result.ctx_out?.slice(0, result.ctx_size_out) ?? new Uint8Array(),
    };
  }
}
