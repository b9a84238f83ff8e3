/** Loads the programs of test/messages/*.txt, and says what a kernel says to them. */
import { view } from '../../src/base/bytes.ts';
import { BpfError, VerifierError } from '../../src/base/errors.ts';
import { type BpfMap, KernelTypes } from '../../src/client/index.ts';
import { assemble, encode } from '../../src/isa/index.ts';
import { sectionMeaning } from '../../src/object/index.ts';
import { Bpf, type Kernel } from '../../src/sys/index.ts';
import * as C from '../../src/uapi/generated/constants.ts';
import type { Message } from './collect.ts';
import type { Example } from './examples.ts';
import { makeMap } from './maps.ts';
import { loadTarget, TARGET_TYPES } from './target.ts';
import { Types } from './types.ts';

/** What a kernel says: the lines of the log that give the reason, and the errno. */
export interface Answer {
  readonly errno: number;
  readonly lines: readonly string[];
  readonly log: string;
}

export async function provoke(kernel: Kernel, example: Example): Promise<Answer> {
  const bpf = new Bpf(kernel);
  const { type, attachType, flags, attachTo } = sectionMeaning(example.section);
  const types = new Types(example.types);
  const maps: Record<string, BpfMap> = {};
  const owned: number[] = [];
  try {
    const attach = await attachment(bpf, example);
    const attach_prog_fd = type === C.BPF_PROG_TYPE_EXT && attachTo !== '' ? await loadTarget(bpf) : 0;
    if (attach_prog_fd > 0) owned.push(attach_prog_fd);
    const program = repeated(example.program);
    const names = await numbered(bpf, program, types);
    const info = records({ ...example, program }, types);
    const btf = types.btf.build();
    const btf_fd = info || example.types !== '' ? await bpf.btfLoad(btf) : 0;
    if (btf_fd > 0) owned.push(btf_fd);
    for (const [, name] of names.text.matchAll(/map\[([a-z]\w*)\]/g)) {
      maps[name!] ??= await makeMap(kernel, name!, { fd: btf_fd, types });
    }
    const { fd } = await bpf.progLoad({
      prog_type: type,
      expected_attach_type: attachType,
      prog_flags: flags + Number(example.flags),
      insns: assembled(withTypes(names.text, types, btf_fd), maps, names.kfuncs),
      license: example.license,
      log_level: 1,
      attach_prog_fd,
      ...attach,
      ...(example.fds === '' ? {} : { fd_array: fdArray(example.fds, btf_fd) }),
      ...(info ? { prog_btf_fd: btf_fd, ...info } : {}),
    });
    await bpf.close(fd);
    return { errno: 0, lines: [], log: '' };
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    const log = error instanceof VerifierError ? error.log : '';
    return { errno: error.errno, lines: reasons(log), log };
  } finally {
    for (const map of Object.values(maps)) await map.close();
    for (const fd of owned) await bpf.close(fd);
  }
}

/** What the program attaches to, in the kernel or in the program that it replaces a function of. */
async function attachment(bpf: Bpf, { section, attach }: Example) {
  const { type, attachType, attachTo } = sectionMeaning(section);
  const kernel = async (kind: 'func' | 'typedef' | 'struct', name: string) =>
    (await new KernelTypes(bpf).btf()).find(name, kind);
  const [first = '', name, index] = attach.split(' ');
  if (name !== undefined) {
    const attach_btf_id = await kernel(first as 'func', name);
    return index === undefined ? { attach_btf_id } : { attach_btf_id, expected_attach_type: Number(index) };
  }
  if (first !== '') return { attach_btf_id: Number(first) };
  if (type === C.BPF_PROG_TYPE_EXT) return { attach_btf_id: new Types(TARGET_TYPES).functions.get(attachTo) ?? 0 };
  if (type === C.BPF_PROG_TYPE_LSM) return { attach_btf_id: await kernel('func', `bpf_lsm_${attachTo}`) };
  if (type !== C.BPF_PROG_TYPE_TRACING || attachTo === '') return {};
  if (attachType === C.BPF_TRACE_RAW_TP) return { attach_btf_id: await kernel('typedef', `btf_trace_${attachTo}`) };
  const prefix = attachType === C.BPF_TRACE_ITER ? 'bpf_iter_' : '';
  return { attach_btf_id: await kernel('func', prefix + attachTo) };
}

/** `3 times: f$: / exit` is three times two lines, with 1, 2 and 3 for `$`. */
function repeated(program: string): string {
  return program.replace(/^\s*(\d+) times: (.*)$/gm, (_, times: string, text: string) =>
    Array.from({ length: Number(times) }, (_, k) => text.replaceAll(' / ', '\n').replaceAll('$', String(k + 1))).join(
      '\n',
    ),
  );
}

/** Puts numbers where the text names types: `type[node]` of the program's own, `ksym[bpf_prog_active]` of the kernel. */
async function numbered(bpf: Bpf, program: string, types: Types) {
  const kernelTypes = new KernelTypes(bpf);
  const kfuncs: Record<string, number> = {};
  for (const [, name] of program.matchAll(/call kfunc:(\w+)/g)) {
    kfuncs[name!] = (await kernelTypes.btf()).find(name!, 'func');
  }
  let text = program.replaceAll('call kfunc:', 'call ');
  text = text.replace(/type\[(\w+)\]/g, (_, name: string) => String(types.structs.get(name)?.id ?? 0));
  for (const [all, kind, name] of text.matchAll(/ksym\[(?:(\w+) )?(\w+)\]/g)) {
    const id = (await kernelTypes.btf()).find(name!, (kind ?? 'var') as 'var');
    text = text.replace(all, `btf[${id}]`);
  }
  return { text, kfuncs };
}

/** `own[f]` stands for a function of the program as if it were one of the kernel, by the descriptor of its types. */
function withTypes(text: string, types: Types, fd: number): string {
  return text.replace(/own\[(\w+)\]/g, (_, name: string) => `btf[${types.functions.get(name) ?? 0}:${fd}]`);
}

/** Lines that say why: neither instructions, nor states, nor the count at the end. */
function reasons(log: string): string[] {
  // Some messages of Linux's have no end of line.
  return log
    .replace(/(.)(processed \d+ insns)/, '$1\n$2')
    .split('\n')
    .filter(
      (line) => !/^(\d+: |processed |from \d+ to |; |func#|Validating |mark_precise|caller:|callee:|\s|$)/.test(line),
    );
}

/** func_info and line_info; undefined where the program is one function of which nothing is said. */
function records({ program, funcs, lines, types: declared }: Example, types: Types) {
  if (funcs === 'none') return undefined;
  const starts = funcs === '' ? functionStarts(program, types) : funcs.split(', ').map(written);
  if (starts.length === 1 && declared === '' && lines === '' && funcs === '') return undefined;
  const pairs = starts.map(([name, pc]) => [pc, Number(name) || typeOf(types, name)] as const);
  const at = lines === '' ? [] : lines.split(' ').map(Number);
  return {
    func_info: words(pairs),
    func_info_rec_size: 8,
    func_info_cnt: pairs.length,
    ...(at.length === 0
      ? {}
      : {
          line_info: words(at.map((pc) => [pc, types.btf.stringOffset('a.c'), types.btf.stringOffset('a'), 1 << 10])),
          line_info_rec_size: 16,
          line_info_cnt: at.length,
        }),
  };
}

const fdArray = (text: string, btf: number): Uint8Array =>
  words([text.split(' ').map((word) => (word === 'types' ? btf : Number(word)))]);

const typeOf = (types: Types, name: string): number => types.functions.get(name) ?? types.addFunction(name);

const written = (pair: string): [name: string, pc: number] => {
  const [pc = '', name = ''] = pair.split(' ');
  return [name, Number(pc)];
};

/** Where `main` and what is called or declared begins. */
function functionStarts(text: string, types: Types): [name: string, pc: number][] {
  const names = new Set(Array.from(text.matchAll(/(?:call |subprog\[)([a-z]\w*)\b/g), (m) => m[1]!));
  const starts: [name: string, pc: number][] = [['main', 0]];
  let pc = 0;
  for (const line of text.split('\n')) {
    const label = /^\s*(\w+):$/.exec(line)?.[1];
    if (label === undefined) pc += /map\[|subprog\[|btf\[|ksym\[|own\[| ll\b/.test(line) ? 2 : 1;
    else if (names.has(label) || types.functions.has(label)) starts.push([label, pc]);
  }
  return starts;
}

/** Records of 32-bit numbers, one after the other. */
function words(records: readonly (readonly number[])[]): Uint8Array {
  const numbers = records.flat();
  const out = new Uint8Array(numbers.length * 4);
  for (const [i, number] of numbers.entries()) view(out).setUint32(i * 4, number, true);
  return out;
}

const MARK = 0x7eab0000;

/** Assembly, with `raw` lines put in as they are. */
function assembled(
  text: string,
  maps: Readonly<Record<string, BpfMap>>,
  kfuncs: Readonly<Record<string, number>>,
): Uint8Array {
  const raws: number[][] = [];
  const source = text.replace(/^(\s*)raw (.*)$/gm, (_, indent: string, numbers: string) => {
    raws.push(numbers.trim().split(/\s+/).map(Number));
    return `${indent}r9 = ${MARK + raws.length - 1}`;
  });
  const names = { maps: Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, map.fd])), kfuncs };
  const bytes = encode(assemble(source, names));
  const dv = view(bytes);
  for (let at = 0; at < bytes.length; at += 8) {
    const raw = raws[dv.getInt32(at + 4, true) - MARK];
    if (raw === undefined || dv.getUint8(at) !== 0xb7) continue;
    const [code = 0, dst = 0, src = 0, off = 0, imm = 0] = raw;
    dv.setUint8(at, code);
    dv.setUint8(at + 1, dst | (src << 4));
    dv.setInt16(at + 2, off, true);
    dv.setInt32(at + 4, imm, true);
  }
  return bytes;
}

/** Whether a line is what a message says. */
function fits(words: string, line: string): boolean {
  const escaped = words.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`).test(line);
}

/** Said after what a call of a global function is refused for. */
const WHOSE_CALL = 'Caller passes invalid args';

/** The lines in which an answer says a message: its last ones, or for what is said before the end any. */
export function saidBy({ words, last }: Message, answer: Answer): string | undefined {
  if (answer.errno === 0) return undefined;
  const isWhole = words.startsWith(WHOSE_CALL) || !answer.lines.at(-1)?.startsWith(WHOSE_CALL);
  const lines = isWhole ? answer.lines : answer.lines.slice(0, -1);
  if (!last) return lines.find((line) => fits(words, line));
  const end = lines.slice(-words.split('\n').length).join('\n');
  return fits(words, end) ? end : undefined;
}
