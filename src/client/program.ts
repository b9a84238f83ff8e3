/** A loaded program. */
import { BpfError } from '../base/errors.ts';
import { assemble, encode } from '../isa/index.ts';
import { Bpf, type Fd, type Kernel } from '../sys/index.ts';
import type { ProgInfo } from '../uapi/infos.ts';
import { PROG_TYPES, type ProgTypeName } from '../uapi/prog-types.ts';
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
  /** BPF_* of enum bpf_attach_type. */
  readonly attachType: number;
  /** What follows the section's first slash. */
  readonly attachTo: string;
}

/** A program to load without an object file. */
export interface ProgramDefinition {
  /** The name of the type (`xdp`, `socket_filter`: as bpftool spells them), or BPF_PROG_TYPE_*. */
  readonly type: ProgTypeName | number;
  /** Instructions as bytes, or as text for the assembler: `r0 = 2; exit`. */
  readonly insns: Uint8Array | string;
  /** What `map[NAME]` in the text stands for. */
  readonly maps?: Readonly<Record<string, { readonly fd: Fd }>>;
  /** At most 15 letters, digits, `_` and `.`. */
  readonly name?: string;
  /** expected_attach_type: BPF_*. */
  readonly attachType?: number;
  /** Default GPL, which may call every helper. */
  readonly license?: string;
  /** 1 keeps the verifier's log, 2 with every state. */
  readonly logLevel?: 0 | 1 | 2;
}

export interface TestRunInput {
  /** The packet. */
  data?: Uint8Array;
  /** The context structure, for types whose context the caller may give. */
  context?: Uint8Array;
  /** How often to run; default once. EINVAL for types that Linux runs once only: syscall, tracing, raw tracepoints. */
  repeat?: number;
  /** BPF_F_TEST_*. */
  flags?: number;
  /** The CPU to run on, with BPF_F_TEST_RUN_ON_CPU in `flags`. */
  cpu?: number;
}

export interface TestRunResult {
  /** What the program answered, as u32: XDP_PASS is 2. */
  readonly retval: number;
  /** Nanoseconds a run, averaged. */
  readonly durationNs: number;
  /** The packet as the program left it; empty where none was given. */
  readonly data: Uint8Array;
  /** The context as the program left it; empty where none was given. */
  readonly context: Uint8Array;
}

/** Bytes. The kernel runs no program on less. */
const ETHERNET_HEADER = 14;
/** Room for a packet that grew. */
const ROOM = 32 * 1024;

export class BpfProgram extends Handle {
  readonly name: string;
  /** What the object file said of it: section, type, where to attach. */
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

  /** Loads a program without an object file. VerifierError with the log where the verifier refuses it. */
  static async load(kernel: Kernel, definition: ProgramDefinition): Promise<BpfProgram> {
    const { name = '', attachType = 0, license = 'GPL', logLevel = 0 } = definition;
    const type = typeof definition.type === 'number' ? definition.type : PROG_TYPES[definition.type].id;
    const insns =
      typeof definition.insns === 'string' ? assembled(definition.insns, definition.maps) : definition.insns;
    const { fd, log } = await new Bpf(kernel).progLoad({
      prog_type: type,
      expected_attach_type: attachType,
      insns,
      license,
      prog_name: name,
      log_level: logLevel,
    });
    return new BpfProgram(kernel, fd, { name, section: '', type, attachType, attachTo: '' }, log);
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

  /** What the kernel says of it: id, name, type, tag, sizes, maps, run statistics. */
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
    const result = await this.bpf
      .testRun({
        prog_fd: this.fd,
        repeat: input.repeat ?? 0, // once; some types take no other number
        flags: input.flags ?? 0,
        cpu: input.cpu ?? 0,
        ...(input.data ? { data_in: input.data, data_out: input.data.length + ROOM } : {}),
        ...(input.context ? { ctx_in: input.context, ctx_out: input.context.length } : {}),
      })
      .catch((error: unknown) => {
        if (!(error instanceof BpfError)) throw error;
        const short = input.data !== undefined && input.data.length < ETHERNET_HEADER;
        const detail = `program '${this.name}'${short ? `, data of ${input.data!.length} bytes (a packet has ${ETHERNET_HEADER} or more)` : ''}`;
        throw new BpfError(error.op, error.errno, detail, { cause: error });
      });
    return {
      retval: result.retval,
      durationNs: result.duration,
      data: result.data_out?.slice(0, result.data_size_out) ?? new Uint8Array(),
      context: result.ctx_out?.slice(0, result.ctx_size_out) ?? new Uint8Array(),
    };
  }
}

function assembled(text: string, maps: ProgramDefinition['maps'] = {}): Uint8Array {
  return encode(assemble(text, { maps: Object.fromEntries(Object.entries(maps).map(([name, { fd }]) => [name, fd])) }));
}
