/** A loaded program. */
import { SkepError } from '../base/errors.ts';
import { assemble, encode } from '../isa/index.ts';
import { Bpf, type Fd, type Kernel } from '../sys/index.ts';
import type { ProgInfo } from '../uapi/infos.ts';
import { PROG_TYPES, type ProgTypeName } from '../uapi/prog-types.ts';
import { about, asked } from './about.ts';
import { bytes, numberOf, numberOrZero, objectName, record, text, wholeNumber } from './arguments.ts';
import { attachProgram } from './attach.ts';
import type { AttachOptions } from './attach-options.ts';
import { Handle, openPin } from './handle.ts';
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
  /** 1 keeps the verifier's log, 2 with every state; and 4 what it cost. */
  readonly logLevel?: number;
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
/** The kernel counts runs in a signed number. */
const MOST_RUNS = 0x7fff_ffff;
/** Bytes of an instruction. */
const SLOT = 8;
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
    record('the definition of a program', definition);
    const name = objectName('the name of a program', definition.name);
    const type = numberOf('the type of a program', definition.type, PROG_TYPES);
    const attachType = numberOrZero('attachType', definition.attachType);
    const insns = instructions(definition);
    const loading = new Bpf(kernel).progLoad({
      prog_type: type,
      expected_attach_type: attachType,
      insns,
      license: text('the license of a program', definition.license ?? 'GPL'),
      prog_name: name,
      log_level: numberOrZero('logLevel', definition.logLevel),
    });
    const { fd, log } = await asked(
      name === '' ? `a program of ${insns.length / SLOT} instructions` : `program '${name}'`,
      loading,
    );
    return new BpfProgram(kernel, fd, { name, section: '', type, attachType, attachTo: '' }, log);
  }

  /** The program pinned at a path. */
  static async open(kernel: Kernel, path: string): Promise<BpfProgram> {
    return BpfProgram.#adopt(kernel, await openPin(kernel, path));
  }

  /** The program with an id: ENOENT where there is none. */
  static async byId(kernel: Kernel, id: number): Promise<BpfProgram> {
    const prog_id = wholeNumber('the id of a program', id);
    const { ret } = await asked(`program ${id}`, kernel.bpf('PROG_GET_FD_BY_ID', { prog_id }));
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
    record('what testRun takes', input);
    const data = input.data && bytes('data', input.data);
    const context = input.context && bytes('context', input.context);
    const answer = this.bpf.testRun({
      prog_fd: this.fd,
      repeat: numberOrZero('repeat', input.repeat, MOST_RUNS), // 0 is once; some types take no other number
      flags: numberOrZero('flags', input.flags),
      cpu: numberOrZero('cpu', input.cpu),
      ...(data ? { data_in: data, data_out: data.length + ROOM } : {}),
      ...(context ? { ctx_in: context, ctx_out: context.length } : {}),
    });
    const result = await answer.catch((error: unknown) => {
      const short = data !== undefined && data.length < ETHERNET_HEADER;
      const why = short ? `, data of ${data.length} bytes (a packet has ${ETHERNET_HEADER} or more)` : '';
      throw about(`program '${this.name}'${why}`, error);
    });
    return {
      retval: result.retval,
      durationNs: result.duration,
      data: result.data_out?.slice(0, result.data_size_out) ?? new Uint8Array(),
      context: result.ctx_out?.slice(0, result.ctx_size_out) ?? new Uint8Array(),
    };
  }
}

function instructions({ insns, maps = {} }: ProgramDefinition): Uint8Array {
  const fds = () => Object.fromEntries(Object.entries(maps).map(([name, { fd }]) => [name, fd]));
  const encoded = typeof insns === 'string' ? encode(assemble(insns, { maps: fds() })) : bytes('insns', insns);
  if (encoded.length > 0 && encoded.length % SLOT === 0) return encoded;
  throw new SkepError(
    'ERR_ARGUMENT',
    `a program has instructions of ${SLOT} bytes, at least one; here are ${encoded.length} bytes`,
  );
}
