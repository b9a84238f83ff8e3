/**
 * Minimal programs that provoke the verifier's messages, with what those mean: test/messages/*.txt.
 *
 *     == R… !read_ok                    the words, as collect.ts has them
 *     means: …                          one paragraph
 *     mend: …                           one paragraph
 *     section: xdp                      what SEC() would say; default xdp
 *     license: Proprietary              default GPL
 *     log: …                            the line to expect, where asking for it takes long; default: what it says
 *         r0 = r1                       the program: indented lines, `raw CODE DST SRC OFF IMM` for what cannot be spelled
 *         exit
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { view } from '../../src/base/bytes.ts';
import { BpfError, VerifierError } from '../../src/base/errors.ts';
import { BtfBuilder } from '../../src/btf/index.ts';
import { type BpfMap, KernelTypes } from '../../src/client/index.ts';
import { assemble, encode } from '../../src/isa/index.ts';
import { sectionMeaning } from '../../src/object/index.ts';
import { Bpf, type Kernel } from '../../src/sys/index.ts';
import * as C from '../../src/uapi/generated/constants.ts';
import type { Message } from './collect.ts';
import { makeMap } from './maps.ts';

export interface Example {
  readonly words: string;
  readonly means: string;
  readonly mend: string;
  readonly section: string;
  readonly license: string;
  readonly log: string;
  /** '' where the words are explained without a program. */
  readonly program: string;
}

export function readExamples(root: string): Example[] {
  const folder = join(root, 'test/messages');
  const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));
  return files.sort().flatMap((name) => parse(readFileSync(join(folder, name), 'utf8'), name));
}

function parse(text: string, file: string): Example[] {
  return text
    .split(/^== /m)
    .slice(1)
    .map((entry) => {
      const lines = entry.trimEnd().split('\n');
      const fields: Record<string, string> = { section: 'xdp', license: 'GPL' };
      const program: string[] = [];
      let field = '';
      for (const line of lines.slice(1)) {
        const m = /^(means|mend|section|license|log): (.*)$/.exec(line);
        if (m) fields[(field = m[1]!)] = m[2]!;
        else if (/^ {4}|^ {2}\w+:$/.test(line)) program.push(line);
        else if (line.trim() !== '' && field !== '' && /^ {2}\S/.test(line)) fields[field] += ` ${line.trim()}`;
        else if (line.trim() !== '') throw new Error(`test/messages/${file}: what is '${line}'?`);
      }
      const { means = '', mend = '', section, license, log = '' } = fields;
      const words = lines[0]!.replaceAll('\\n', '\n');
      return { words, means, mend, section: section!, license: license!, log, program: unindented(program) };
    });
}

function unindented(lines: readonly string[]): string {
  return lines.map((line) => line.slice(2)).join('\n');
}

/** What a kernel says: the lines of the log that give the reason, and the errno. */
export interface Answer {
  readonly errno: number;
  readonly lines: readonly string[];
  readonly log: string;
}

export async function provoke(kernel: Kernel, example: Example): Promise<Answer> {
  const bpf = new Bpf(kernel);
  const { type, attachType, attachTo, flags } = sectionMeaning(example.section);
  const types = new KernelTypes(bpf);
  const maps: Record<string, BpfMap> = {};
  const owned: number[] = [];
  try {
    for (const [, name] of example.program.matchAll(/map\[([a-z]\w*)\]/g)) maps[name!] ??= await makeMap(kernel, name!);
    const kfuncs: Record<string, number> = {};
    for (const [, name] of example.program.matchAll(/call kfunc:(\w+)/g)) {
      kfuncs[name!] = (await types.btf()).find(name!, 'func');
    }
    const at = targetName(type, attachType, attachTo);
    const attach_btf_id =
      at === undefined ? 0 : (await types.btf()).find(at, attachType === C.BPF_TRACE_RAW_TP ? 'typedef' : 'func');
    const typed = functions(example.program);
    const btf_fd = typed ? await bpf.btfLoad(typed.btf) : 0;
    if (btf_fd > 0) owned.push(btf_fd);
    const { fd } = await bpf.progLoad({
      prog_type: type,
      expected_attach_type: attachType,
      prog_flags: flags,
      insns: assembled(example.program, maps, kfuncs),
      license: example.license,
      log_level: 1,
      ...(attach_btf_id === 0 ? {} : { attach_btf_id }),
      ...(typed
        ? { prog_btf_fd: btf_fd, func_info: typed.info, func_info_rec_size: 8, func_info_cnt: typed.count }
        : {}),
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

function targetName(type: number, attachType: number, at: string): string | undefined {
  if (type === C.BPF_PROG_TYPE_LSM) return `bpf_lsm_${at}`;
  if (type !== C.BPF_PROG_TYPE_TRACING) return undefined;
  if (attachType === C.BPF_TRACE_RAW_TP) return `btf_trace_${at}`;
  return attachType === C.BPF_TRACE_ITER ? `bpf_iter_${at}` : at;
}

/** Lines that say why: neither instructions, nor states, nor the count at the end. */
function reasons(log: string): string[] {
  // One message of Linux's has no end of line.
  return log
    .replace(/(.)(processed \d+ insns)/, '$1\n$2')
    .split('\n')
    .filter(
      (line) => !/^(\d+: |processed |from \d+ to |; |func#|Validating |mark_precise|caller:|callee:|\s|$)/.test(line),
    );
}

/** Types of the program's functions, where it has some beside the first: `int f(void *)`, static. */
function functions(text: string): { btf: Uint8Array; info: Uint8Array; count: number } | undefined {
  const names = new Set(Array.from(text.matchAll(/(?:call |subprog\[)([a-z]\w*)\b/g), (m) => m[1]!));
  const starts: [name: string, pc: number][] = [['main', 0]];
  let pc = 0;
  for (const line of text.split('\n')) {
    const label = /^\s*(\w+):$/.exec(line)?.[1];
    if (label === undefined) pc += /map\[|subprog\[|btf\[| ll\b/.test(line) ? 2 : 1;
    else if (names.has(label)) starts.push([label, pc]);
  }
  if (starts.length === 1) return undefined;
  const b = new BtfBuilder();
  const int = b.int('int', 4, 'signed');
  const proto = b.add({ kind: 'func_proto', name: '', ret: int, params: [{ name: 'a', type: b.ptr(0) }] });
  const info = new Uint8Array(starts.length * 8);
  for (const [i, [name, at]] of starts.entries()) {
    view(info).setUint32(i * 8, at, true);
    view(info).setUint32(i * 8 + 4, b.add({ kind: 'func', name, type: proto, linkage: 0 }), true);
  }
  return { btf: b.build(), info, count: starts.length };
}

const MARK = 0x7eab0000;

/** Assembly, with `raw` lines put in as they are. */
function assembled(
  text: string,
  maps: Readonly<Record<string, BpfMap>>,
  kfuncs: Readonly<Record<string, number>>,
): Uint8Array {
  const raws: number[][] = [];
  const source = text.replace(/^(\s*)raw (.*)$/gm, (_, indent: string, words: string) => {
    raws.push(words.trim().split(/\s+/).map(Number));
    return `${indent}r9 = ${MARK + raws.length - 1}`;
  });
  const names = { maps: Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, map.fd])), kfuncs };
  const bytes = encode(assemble(source.replaceAll('call kfunc:', 'call '), names));
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

/** The lines in which an answer says a message: its last ones, or for what is said before the end any. */
export function saidBy({ words, last }: Message, { errno, lines }: Answer): string | undefined {
  if (errno === 0) return undefined;
  if (!last) return lines.find((line) => fits(words, line));
  const end = lines.slice(-words.split('\n').length).join('\n');
  return fits(words, end) ? end : undefined;
}
