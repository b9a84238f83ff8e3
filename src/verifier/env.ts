/**
 * What a rule sees: the program, the state being walked, the log, and `reject`.
 */
import type { Btf, BtfType } from '../btf/index.ts';
import {
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  type DisasmHooks,
  disassembleWithOpcode,
  type Insns,
} from '../isa/index.ts';
import { BPF_F_ANY_ALIGNMENT, BPF_F_STRICT_ALIGNMENT } from '../uapi/flags.ts';
import {
  BPF_CGROUP_INET_SOCK_CREATE,
  BPF_PROG_TYPE_CGROUP_SOCK,
  BPF_PROG_TYPE_SK_REUSEPORT,
  BPF_SK_REUSEPORT_SELECT,
} from '../uapi/generated/constants.ts';
import { LinkedSet } from './branch/linked.ts';
import type { KnownHelper } from './call/allowed.ts';
import { CallMeta } from './call/meta.ts';
import type { Speculation } from './explore/speculation.ts';
import type { Liveness } from './explore/stack-liveness.ts';
import type { Walk } from './explore/walk.ts';
import { Log } from './log/log.ts';
import { SourceLines } from './log/source.ts';
import { type PrintContext, stateText } from './log/state.ts';
import { CurrentAccess } from './pointer/rule.ts';
import type { VerifierInput, VerifierMap } from './program.ts';
import type { Frame, LiveFrame } from './state/frame.ts';
import { LANES } from './state/layout.ts';
import type { StatePool } from './state/pool.ts';
import { Lanes, Reg } from './state/reg.ts';
import { LiveState, type SavedState, type StateBase } from './state/state.ts';
import type { Kfunc } from './structure/kfuncs.ts';
import { type MapRecord, mapRecordOf } from './structure/map-record.ts';
import type { Subprog } from './structure/subprogs.ts';

export type Errno =
  | 'EPERM'
  | 'ENOENT'
  | 'ESRCH'
  | 'E2BIG'
  | 'EACCES'
  | 'EFAULT'
  | 'EBUSY'
  | 'EEXIST'
  | 'EINVAL'
  | 'ENOSPC'
  | 'EPROTO'
  | 'EOPNOTSUPP'
  | 'ENOTSUPP'
  | 'EBADF'
  | 'ENOMEM';

const TEMPS = 8;
/** Bytes of states and what belongs to them. Linux takes what the machine has; of the recorded cases none takes a fifth. */
const MEMORY_LIMIT = 1 << 30;

/** Thrown by `reject`; caught once, in verify.ts. */
export class Rejection {
  readonly errno: Errno;
  constructor(errno: Errno) {
    this.errno = errno;
  }
}

export interface Capabilities {
  readonly bpf: boolean;
  readonly perfmon: boolean;
  readonly netAdmin: boolean;
  readonly sysAdmin: boolean;
}

const ALL_CAPABILITIES: Capabilities = { bpf: true, perfmon: true, netAdmin: true, sysAdmin: true };

/** A checkpoint, in the list of those that one bucket of program positions shares. */
export interface Checkpoint {
  readonly state: SavedState;
  readonly pc: number;
  next: Checkpoint | null;
  hits: number;
  misses: number;
  /** No longer in its list, but paths that started from it are still being walked. */
  evicted: boolean;
  /** Where the last state that was compared with this one was found to differ (prune.ts); -1 where that is not known. */
  difference: number;
  /** The frame in which they differ. */
  differs: Frame;
  /** Likewise, the lane of the innermost frame in which registers were found to differ, and what it holds here. */
  lane: number;
  laneValue: number;
  /** What nobody can read any more was forgotten, so that more states compare equal. */
  cleaned: boolean;
}

/** A branch still to walk. */
export interface Pending {
  readonly state: SavedState;
  readonly pc: number;
  readonly prevPc: number;
  readonly logEnd: number;
}

/** Facts about single instructions that the walk collects or needs, one entry a slot. */
export class InsnAux {
  readonly seen: Uint8Array;
  readonly prunePoint: Uint8Array;
  readonly jmpPoint: Uint8Array;
  readonly forceCheckpoint: Uint8Array;
  readonly callsCallback: Uint8Array;
  /** 1: calls a kfunc that advances an open-coded iterator. */
  readonly advancesIter: Uint8Array;
  /** Registers that some path reads before writing, from before this instruction: bit n is r(n). */
  readonly liveRegs: Uint16Array;
  /** Strongly connected component of the flow graph, 0 for none. */
  readonly scc: Int32Array;
  /** What kind of pointer an access goes through: every path must agree. */
  readonly ptrType: Int32Array;
  /** Helper calls: index of the one map they see + 1, 0 none yet, -1 several. */
  readonly callMap: Int32Array;
  /** 64-bit immediates that stand for a map: index + 1, and offset into the value. */
  readonly mapIndex: Int32Array;
  readonly mapOff: Int32Array;
  /** 1: part of a spill/fill pair around a fastcall helper. */
  readonly fastcallPattern: Uint8Array;
  readonly fastcallSpills: Uint8Array;
  readonly storageGetAtomic: Uint8Array;
  readonly nonSleepable: Uint8Array;
  /** Calls of bpf_loop: the one callback with flags 0 that they see + 1, so they could be built in; 0 none yet, -1 not so. */
  readonly loopCallback: Int32Array;
  constructor(length: number) {
    this.seen = new Uint8Array(length);
    this.prunePoint = new Uint8Array(length + 1);
    this.jmpPoint = new Uint8Array(length + 1);
    this.forceCheckpoint = new Uint8Array(length);
    this.callsCallback = new Uint8Array(length);
    this.advancesIter = new Uint8Array(length);
    this.liveRegs = new Uint16Array(length);
    this.scc = new Int32Array(length);
    this.ptrType = new Int32Array(length);
    this.callMap = new Int32Array(length);
    this.mapIndex = new Int32Array(length);
    this.mapOff = new Int32Array(length);
    this.fastcallPattern = new Uint8Array(length);
    this.fastcallSpills = new Uint8Array(length);
    this.storageGetAtomic = new Uint8Array(length);
    this.nonSleepable = new Uint8Array(length);
    this.loopCallback = new Int32Array(length);
  }
}

/** Programs that left it open get the type that was the only one once. */
function expectedAttachType(input: VerifierInput): number {
  if (input.attachType !== 0) return input.attachType;
  if (input.progType === BPF_PROG_TYPE_CGROUP_SOCK) return BPF_CGROUP_INET_SOCK_CREATE;
  if (input.progType === BPF_PROG_TYPE_SK_REUSEPORT) return BPF_SK_REUSEPORT_SELECT;
  return 0;
}

export class Env implements PrintContext {
  readonly input: VerifierInput;
  readonly insns: Insns;
  readonly log: Log;
  readonly lines: SourceLines;
  readonly aux: InsnAux;
  readonly caps: Capabilities;
  readonly cur = new LiveState();
  readonly pool: StatePool;
  #charged = 0;
  readonly usedMaps: VerifierMap[] = [];
  /** Maps by the number that registers carry: those the program refers to, then templates of inner maps. */
  readonly maps: VerifierMap[] = [];
  readonly #mapRecords: MapRecord[] = [];
  /** BTF of maps that came with another than the program's. */
  readonly #mapBtfs: Btf[] = [];
  /** It replaces a function of another program, whose type it has taken. */
  isExtension = false;
  /** Records of structures, by the number of their BTF and their type. */
  readonly records: Map<number, MapRecord>[] = [];
  readonly #constants: (Uint8Array | undefined)[] = [];
  readonly #insnTexts: string[] = [];
  /** The arena that the program uses. */
  arena: VerifierMap | null = null;
  subprogs: Subprog[] = [];
  liveness!: Liveness;
  walk!: Walk;
  /** What a mispredicting CPU does, where that matters: null for programs that may see addresses anyway. */
  speculation: Speculation | null = null;
  kfuncNames = new Map<number, string>();
  /** Kernel functions that are called, by BTF id. */
  readonly kfuncs = new Map<number, Kfunc>();
  /** BTF ids of the functions, where func_info says them. */
  funcTypeIds: number[] = [];

  /** The instruction being looked at, and the one before it on this path. */
  pc = 0;
  prevPc = -1;
  processed = 0;
  jumps = 0;
  processedAtCheckpoint = 0;
  jumpsAtCheckpoint = 0;
  totalStates = 0;
  peakStates = 0;
  liveStates = 0;
  evictedStates = 0;
  maxStatesPerInsn = 0;
  pending: Pending[] = [];
  checkpoints: (Checkpoint | null)[] = [];
  /** Whether the current instruction is in the history of `cur`, as its last entry. */
  noted = false;
  readonly access = new CurrentAccess();
  readonly call = new CallMeta();
  /** Helpers that were looked at, by number. */
  readonly helpers = new Map<number, KnownHelper>();
  /** For one comparison: the numbers that learn from it. */
  readonly linked = new LinkedSet();
  exceptionCallback = 0;
  /** Whether a path throws. */
  throws = false;
  /** The end of what is reached of buffers whose size only attaching tells. */
  readonly bufferAccess = { rdonly: 0, rdwr: 0, tracepoint: 0 };
  /** The packet may have been written to, or its pointers lost, by this program. */
  seenDirectWrite = false;
  /** Loads through BTF pointers that may fault. */
  readonly faultable = new Set<number>();
  /** The enforced attach type where the walk narrows it. */
  attachType: number;
  allowUninitStack: boolean;
  strictAlignment: boolean;

  /** What changed since the state was last printed. */
  scratchedRegs = 0;
  readonly scratchedSlots = { lo: 0, hi: 0 };
  lastLogEnd = 0;
  lastInsnText = 0;

  /** Working copies for rules: [0] and [1] for comparisons, [2] and [3] for pointer arithmetic, the rest free. */
  readonly temp: Reg[];
  /** Windows on registers of another state. Short-lived: who points them uses them before calling another rule. */
  readonly other: [Reg, Reg];
  /** As `other`, for the numbers of `linked` one after the other. */
  readonly linkedReg: Reg;

  #ids = 0;
  #kernelBtf: Btf | undefined;

  constructor(input: VerifierInput, insns: Insns, logLevel: number, pool: StatePool) {
    this.input = input;
    this.pool = pool;
    this.insns = insns;
    this.log = new Log(logLevel);
    this.lines = new SourceLines(input.btf, input.lineInfo);
    this.aux = new InsnAux(insns.length);
    this.caps = input.capabilities ?? ALL_CAPABILITIES;
    this.attachType = expectedAttachType(input);
    this.allowUninitStack = this.caps.perfmon;
    this.strictAlignment = (input.flags & (BPF_F_STRICT_ALIGNMENT | BPF_F_ANY_ALIGNMENT)) === BPF_F_STRICT_ALIGNMENT;
    const lanes = new Lanes(new Int32Array(TEMPS * LANES));
    this.temp = Array.from({ length: TEMPS }, (_, k) => new Reg(lanes, k));
    this.other = [new Reg(lanes, 0), new Reg(lanes, 0)];
    this.linkedReg = new Reg(lanes, 0);
  }

  get frame(): LiveFrame {
    return this.cur.frames[this.cur.curframe]!;
  }

  get regs(): Reg[] {
    return this.cur.regs;
  }

  reg(r: number): Reg {
    return this.cur.regs[r]!;
  }

  get kernelBtf(): Btf {
    this.#kernelBtf ??= this.input.kernelBtf();
    return this.#kernelBtf;
  }

  newId(): number {
    return ++this.#ids;
  }

  get lastId(): number {
    return this.#ids;
  }

  /** Kernel-kept fields in the values of map number `index`. */
  mapRecord(index: number): MapRecord {
    return (this.#mapRecords[index] ??= mapRecordOf(this.maps[index]!));
  }

  /** What map number `index` holds for good; undefined where that may change. */
  mapConstants(index: number): Uint8Array | undefined {
    return (this.#constants[index] ??= this.maps[index]!.constants?.());
  }

  write(text: string): void {
    this.log.write(text);
  }

  /** Ends verification: `message` is the last line of the log, '' where the lines before say it all. */
  reject(errno: Errno, message: string): never {
    if (message) this.log.write(`${message}\n`);
    throw new Rejection(errno);
  }

  /** Counts memory that the walk takes and does not give back before it ends: hostile programs must not take all. */
  charge(bytes: number): void {
    this.#charged += bytes;
    if (this.#charged > MEMORY_LIMIT) this.reject('ENOMEM', 'states take more memory than one program may have');
  }

  /** What a descriptor is answered with that is not one of what is wanted. */
  fdError(fd: number): Errno {
    return this.input.isOpen?.(fd) === false ? 'EBADF' : 'EINVAL';
  }

  /** Something Linux has and this verifier does not follow yet. Never accepted. */
  unsupported(feature: string): never {
    this.reject('EOPNOTSUPP', `${feature} is not supported by this verifier yet`);
  }

  // What changed, for the log.
  scratchReg(r: number): void {
    this.scratchedRegs |= 1 << r;
  }

  scratchSlot(n: number): void {
    if (n < 32) this.scratchedSlots.lo |= 1 << n;
    else this.scratchedSlots.hi |= 1 << (n - 32);
  }

  scratchAll(): void {
    this.scratchedRegs = -1;
    this.scratchedSlots.lo = -1;
    this.scratchedSlots.hi = -1;
  }

  cleanScratch(): void {
    this.scratchedRegs = 0;
    this.scratchedSlots.lo = 0;
    this.scratchedSlots.hi = 0;
  }

  get isScratched(): boolean {
    return this.scratchedRegs !== 0 || this.scratchedSlots.lo !== 0 || this.scratchedSlots.hi !== 0;
  }

  /** All of a state's frame. */
  printState(state: StateBase, frameno: number): void {
    if (this.log.kept) this.write(stateText(this, state, frameno, null, null));
  }

  /** What changed since the last print, and forgets it. */
  printChanges(state: StateBase, frameno: number): void {
    if (this.log.on) this.write(stateText(this, state, frameno, this.scratchedRegs, this.scratchedSlots));
    this.cleanScratch();
  }

  /** The changes of the instruction just printed, on its line where nothing came between. */
  printInsnState(): void {
    if (this.lastLogEnd !== 0 && this.lastLogEnd === this.log.end) {
      this.log.truncate(this.lastLogEnd - 1);
      const at = Math.ceil(Math.max(this.lastInsnText + 4, 40) / 8) * 8;
      this.write(`${' '.repeat(at - this.lastInsnText - 1)};`);
    } else {
      this.write(`${this.pc}:`);
    }
    this.printChanges(this.cur, this.cur.curframe);
  }

  /** The C line of `pc`, where it is another than the last one shown. */
  printLine(pc: number, prefix: string): void {
    if (!this.log.on) return;
    const text = this.lines.next(pc);
    if (text) this.write(prefix + text);
  }

  readonly disasmHooks: DisasmHooks = {
    callName: (pc) => this.kfuncNames.get(pc),
    imm64: (pc) => (this.aux.mapIndex[pc] ? this.#mapAddress(pc) : undefined),
  };

  /**
   * Linux prints the address of the map: a number of that form, which stays the same from run to run. In an arena it is
   * that of user space.
   */
  #mapAddress(pc: number): string {
    if (!this.caps.perfmon) return '0x0';
    const index = this.aux.mapIndex[pc]!;
    const src = this.insns.src[pc];
    const isValue = src === BPF_PSEUDO_MAP_VALUE || src === BPF_PSEUDO_MAP_IDX_VALUE;
    const inArena = isValue ? this.maps[index - 1]?.userAddress : undefined;
    const map = inArena ?? 0xffff_8881_0000_0000n + BigInt(index) * 0x1000n;
    return `0x${(map + BigInt(this.aux.mapOff[pc]!)).toString(16)}`;
  }

  /** A register that held something which is gone: unknown, or unreadable where pointers must not leak. */
  invalidate(reg: Reg): void {
    if (this.caps.perfmon) reg.markUnknown();
    else reg.markNotInit();
  }

  /** The instruction and a newline. For the walk: what names the instruction refers to does not change any more. */
  insnText(pc: number): string {
    return (this.#insnTexts[pc] ??= `${disassembleWithOpcode(this.insns, pc, this.disasmHooks)}\n`);
  }

  printInsn(): void {
    if (this.isScratched) this.printInsnState();
    this.printLine(this.pc, '; ');
    const start = this.log.end;
    this.write(`${this.pc}: ${this.insnText(this.pc)}`);
    this.lastInsnText = this.log.end - start;
    this.lastLogEnd = this.log.end;
  }

  funcTypeId(subprog: number): number {
    return this.funcTypeIds[subprog] ?? 0;
  }

  funcType(subprog: number): BtfType | undefined {
    const id = this.funcTypeId(subprog);
    return id ? this.input.btf?.type(id) : undefined;
  }

  /** BTF by the number that registers carry: 0 the kernel's, 1 the program's own, others those of maps that came with theirs. */
  btfOf(btf: number): Btf {
    return btf === 0 ? this.kernelBtf : btf === 1 ? this.input.btf! : this.#mapBtfs[btf - 2]!;
  }

  /** The number of a map's BTF. */
  btfNumber(btf: Btf): number {
    if (btf === this.input.btf) return 1;
    let at = this.#mapBtfs.indexOf(btf);
    if (at < 0) at = this.#mapBtfs.push(btf) - 1;
    return at + 2;
  }

  btfTypeName(btf: number, id: number): string {
    const t = this.btfOf(btf).type(id);
    return t && 'name' in t ? t.name : '';
  }

  iterName(btf: number, id: number): string {
    return this.btfTypeName(btf, id).replace(/^bpf_iter_/, '');
  }
}
