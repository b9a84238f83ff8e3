/**
 * From the text of a static probe's arguments, as the assembler wrote it, to the record that programs read them by.
 *
 *     -4@%edi            a register          -4@$-9        a constant
 *     8@-16(%rbp)        memory              -8@(%r8,%rcx,8)   memory, with an index
 *     4@w0, 8@[sp, 16]   the same on arm64
 *
 * The record is struct __bpf_usdt_spec of include/bpf/usdt.bpf.h: 12 arguments of 16 bytes, the cookie, how many there are.
 */
import { view } from '../base/bytes.ts';
import { UnsupportedError } from '../base/errors.ts';

export const USDT_SPEC_SIZE = 208;
const MAX_ARGS = 12;
const ARG_SIZE = 16;
const COOKIE = MAX_ARGS * ARG_SIZE;
const COUNT = COOKIE + 8;

/** enum __bpf_usdt_arg_type. */
const KIND = { constant: 0, register: 1, memory: 2, indexed: 3 } as const;

interface Place {
  readonly kind: keyof typeof KIND;
  /** The constant, or what is added to the address. */
  readonly value: bigint;
  /** Bytes into struct pt_regs. */
  readonly register: number;
  readonly index: number;
  /** The index counts 1 << shift bytes. */
  readonly shift: number;
}

/** The machines of ELF files whose registers are known. */
const EM_X86_64 = 62;
const EM_AARCH64 = 183;

/** struct pt_regs of x86-64: its registers in their order, 8 bytes each. */
const X64_ORDER = 'r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss'.split(' ');

/** A record for the program; UnsupportedError names the argument that programs cannot read. */
export function usdtSpec(args: string, machine: number, cookie: bigint): Uint8Array {
  const words = splitArgs(args);
  if (words.length > MAX_ARGS) {
    throw new UnsupportedError(`a static probe of ${words.length} arguments`, {
      hint: `programs read up to ${MAX_ARGS}`,
    });
  }
  const bytes = new Uint8Array(USDT_SPEC_SIZE);
  const dv = view(bytes);
  for (const [i, word] of words.entries()) writeArg(dv, i * ARG_SIZE, word, machine);
  dv.setBigUint64(COOKIE, BigInt.asUintN(64, cookie), true);
  dv.setUint16(COUNT, words.length, true);
  return bytes;
}

function writeArg(dv: DataView, at: number, word: string, machine: number): void {
  const sized = /^(-?)([1248])@(.+)$/.exec(word);
  const place = sized && placeOf(sized[3]!, machine);
  if (!place) throw new UnsupportedError(`the argument '${word}' of a static probe`);
  dv.setBigUint64(at, BigInt.asUintN(64, place.value), true);
  dv.setUint32(at + 8, KIND[place.kind] | (place.index << 8) | (place.shift << 20), true);
  dv.setInt16(at + 12, place.register, true);
  dv.setUint8(at + 14, sized[1] === '-' ? 1 : 0);
  dv.setUint8(at + 15, 64 - Number(sized[2]) * 8);
}

/** Words, but not at the spaces of `[sp, 16]`. */
function splitArgs(args: string): string[] {
  return args.match(/[^\s[]*\[[^\]]*\]|\S+/g) ?? [];
}

function placeOf(text: string, machine: number): Place | undefined {
  if (machine === EM_X86_64) return x64Place(text);
  if (machine === EM_AARCH64) return arm64Place(text);
  throw new UnsupportedError(`static probes of a program for machine ${machine}`, {
    hint: 'x86-64 and arm64 are known',
  });
}

function x64Place(text: string): Place | undefined {
  const constant = /^\$(-?(?:0x[0-9a-f]+|\d+))$/i.exec(text);
  if (constant) return at('constant', 0, number(constant[1]!));
  const plain = /^%(\w+)$/.exec(text);
  if (plain) return ofRegisters('register', 0n, x64Register(plain[1]!));
  const memory = /^(-?(?:0x[0-9a-f]+|\d+))?\(%(\w+)(?:,%(\w+)(?:,([1248]))?)?\)$/i.exec(text);
  if (!memory) return undefined;
  const [, offset = '0', base, index, scale = '1'] = memory;
  if (index === undefined) return ofRegisters('memory', number(offset), x64Register(base!));
  const second = x64Register(index);
  if (second === undefined) return undefined;
  return ofRegisters('indexed', number(offset), x64Register(base!), second, Math.log2(Number(scale)));
}

function arm64Place(text: string): Place | undefined {
  const constant = /^#?(-?(?:0x[0-9a-f]+|\d+))$/i.exec(text);
  if (constant) return at('constant', 0, number(constant[1]!));
  const memory = /^\[\s*(\w+)\s*(?:,\s*#?(-?(?:0x[0-9a-f]+|\d+))\s*)?\]$/i.exec(text);
  if (memory) return ofRegisters('memory', number(memory[2] ?? '0'), arm64Register(memory[1]!));
  return ofRegisters('register', 0n, arm64Register(text));
}

function at(kind: Place['kind'], register: number, value: bigint): Place {
  return { kind, register, value, index: 0, shift: 0 };
}

function ofRegisters(
  kind: Place['kind'],
  value: bigint,
  register: number | undefined,
  index = 0,
  shift = 0,
): Place | undefined {
  return register === undefined ? undefined : { kind, value, register, index, shift };
}

/** Where struct pt_regs has a register, whichever part of it is named; undefined for those it has not (%xmm0, %ah). */
function x64Register(name: string): number | undefined {
  const numbered = /^(r(?:8|9|1[0-5]))[dwb]?$/.exec(name)?.[1];
  const whole = numbered ?? /^[re]?([abcd]x|[sd]i|[sb]p|ip)$/.exec(name)?.[1] ?? /^([sd]i|[sb]p)l$/.exec(name)?.[1];
  const low = /^([abcd])l$/.exec(name)?.[1];
  const found = X64_ORDER.indexOf(whole ?? (low === undefined ? '' : `${low}x`));
  return found < 0 ? undefined : found * 8;
}

/** struct user_pt_regs: x0 to x30, sp, pc. */
function arm64Register(name: string): number | undefined {
  if (name === 'sp' || name === 'wsp') return 31 * 8;
  const found = /^[xw]([0-9]|[12]\d|30)$/.exec(name);
  return found ? Number(found[1]) * 8 : undefined;
}

function number(text: string): bigint {
  return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
}
