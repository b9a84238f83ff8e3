/**
 * One program case on a kernel: its objects are made, its references resolved, the program is loaded and run.
 */
import { toHex, view } from '../../base/bytes.ts';
import { ENOENT, ENOSPC, ENOTSUPP } from '../../base/errno.ts';
import { BpfError, UnsupportedError, VerifierError } from '../../base/errors.ts';
import { type Fd, type Kernel, logText, userValueSize } from '../../sys/index.ts';
import type { Attr } from '../../uapi/commands.ts';
import { BPF_PROG_TYPE_STRUCT_OPS, BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP } from '../../uapi/generated/constants.ts';
import type { CaseMap, CaseReloc, CaseRun, ProgramCase } from './case.ts';
import type { CaseHost } from './host.ts';
import { lastMessage, processedOf, withoutAddresses } from './log.ts';
import { type BtfObjects, CaseMaps, hex } from './objects.ts';

/** What a kernel says to BPF_PROG_LOAD. */
export interface Verdict {
  accept: boolean;
  /** -1 where there is no program. */
  fd: Fd;
  errno: number;
  /** All of it, as the kernel wrote it. */
  log: string;
  /** Why there is no program although the verifier accepted it: it uses what cannot run here. */
  unrunnable?: string;
}

export interface RunAnswer {
  ret: number;
  errno: number;
  retval: number;
  data_out: string;
}

export interface ProgramAnswer {
  id: string;
  accept: boolean;
  errno: number;
  msg: string;
  processed: number[];
  log1: string;
  runs?: RunAnswer[];
  maps_after?: (string | null)[][];
  /** Why an accepted program could not be run here. */
  unrunnable?: string;
  ms: number;
}

const FUNC_INFO_SIZE = 8;
const SLOT = 8;
/** Buffers for the log, as long as it does not fit: every try verifies again. So far nothing needed more than the last. */
const LOG_ROOMS = [1 << 18, 1 << 24, 1 << 27];
/** The buffer of those answers that are ENOSPC, which says that it was too small. */
const CUT_LOG_ROOMS = [1 << 24];
/** The end of a log is what tells. */
const LOG_KEPT = 12_000;
/** How much longer than what went in a packet may come out. */
const GROWTH = 512;
const NAME_MAX = 15;
/** Maps with more entries than this are not read back. */
const MAX_READ_BACK = 4096;

/** Loads the case and answers what the kernel said; closes everything it made, whatever happens. */
export async function answerProgram(
  host: CaseHost,
  btfs: BtfObjects,
  btfDirectory: string,
  c: ProgramCase,
): Promise<ProgramAnswer> {
  const { kernel } = host;
  return withLoaded(host, btfs, btfDirectory, c, 1, async (verdict, maps, ms) => {
    const { accept, fd, unrunnable } = verdict;
    const runs = fd >= 0 ? (c.runs ?? (c.run ? [c.run] : [])) : [];
    const answer: ProgramAnswer = {
      id: c.id,
      accept,
      errno: verdict.errno,
      msg: accept ? '' : lastMessage(verdict.log),
      processed: processedOf(verdict.log) ?? [],
      log1: withoutAddresses(verdict.log.slice(-LOG_KEPT)),
      ...(runs.length === 0 ? {} : { runs: await runAll(kernel, fd, runs) }),
      ...(unrunnable === undefined ? {} : { unrunnable }),
      ms: Math.round(ms * 100) / 100,
    };
    if (fd >= 0 && c.maps_after) answer.maps_after = await contentsOf(kernel, c.maps ?? [], maps);
    return answer;
  });
}

/** The level-2 log of the case, as far as one buffer holds it: its beginning, or its end. */
export function level2Log(
  host: CaseHost,
  btfs: BtfObjects,
  btfDirectory: string,
  c: ProgramCase,
): Promise<{ log: string; ms: number }> {
  return logAt(host, btfs, btfDirectory, c, 2);
}

/** The log of the case at a level of choice: 4 is statistics alone. */
export function logAt(
  host: CaseHost,
  btfs: BtfObjects,
  btfDirectory: string,
  c: ProgramCase,
  logLevel: number,
): Promise<{ log: string; ms: number }> {
  return withLoaded(host, btfs, btfDirectory, c, logLevel, async ({ log }, _maps, ms) => ({ log, ms }));
}

async function withLoaded<T>(
  host: CaseHost,
  btfs: BtfObjects,
  btfDirectory: string,
  c: ProgramCase,
  logLevel: number,
  use: (verdict: Verdict, maps: readonly Fd[], ms: number) => Promise<T>,
): Promise<T> {
  const { kernel } = host;
  const maps = new CaseMaps(kernel, btfs, btfDirectory);
  try {
    await maps.create(c.maps ?? []);
    const attr = await loadAttr(btfs, btfDirectory, c, maps.fds);
    const start = performance.now();
    const verdict = await load(host, attr, logLevel, c.errno === ENOSPC ? CUT_LOG_ROOMS : LOG_ROOMS);
    const ms = performance.now() - start;
    try {
      return await use(verdict, maps.fds, ms);
    } finally {
      if (verdict.fd >= 0) await kernel.closeFd(verdict.fd);
    }
  } finally {
    await maps.close();
  }
}

async function loadAttr(
  btfs: BtfObjects,
  btfDirectory: string,
  c: ProgramCase,
  maps: readonly Fd[],
): Promise<Attr<'PROG_LOAD'>> {
  const attr: Attr<'PROG_LOAD'> = {
    prog_type: c.prog_type,
    expected_attach_type: c.attach_type ?? 0,
    insns: await resolved(btfs, c, maps),
    license: c.license ?? 'GPL',
    prog_flags: c.flags ?? 0,
    prog_name: (c.name ?? '').replace(/[^A-Za-z0-9_.]/g, '_').slice(0, NAME_MAX),
  };
  if (c.attach_btf) attr.attach_btf_id = (await btfs.kernel()).find(c.attach_btf, targetKind(c));
  if (c.prog_btf) {
    attr.prog_btf_fd = await btfs.load(btfDirectory, c.prog_btf);
    const records = hex(c.func_info ?? '');
    if (records.length > 0) {
      attr.func_info = records;
      attr.func_info_cnt = records.length / FUNC_INFO_SIZE;
      attr.func_info_rec_size = FUNC_INFO_SIZE;
    }
  }
  return attr;
}

/** What kind of thing a program attaches to, in the kernel's BTF. */
function targetKind({ prog_type, attach_type }: ProgramCase): 'func' | 'typedef' | 'struct' {
  if (prog_type === BPF_PROG_TYPE_STRUCT_OPS) return 'struct';
  return prog_type === BPF_PROG_TYPE_TRACING && attach_type === BPF_TRACE_RAW_TP ? 'typedef' : 'func';
}

/** The instructions with descriptors and ids in place of indexes and names. */
async function resolved(btfs: BtfObjects, c: ProgramCase, maps: readonly Fd[]): Promise<Uint8Array> {
  const insns = hex(c.insns);
  const dv = view(insns);
  for (const reloc of c.relocs ?? []) {
    const at = reloc.insn * SLOT + 4;
    if (at + 4 > insns.length) continue;
    dv.setInt32(at, await target(btfs, reloc, maps), true);
  }
  return insns;
}

async function target(btfs: BtfObjects, reloc: CaseReloc, maps: readonly Fd[]): Promise<number> {
  switch (reloc.kind) {
    case 'kfunc':
      return (await btfs.kernel()).find(reloc.name ?? '', 'func');
    case 'ksym_btf':
      return (await btfs.kernel()).find(reloc.name ?? '', 'var');
    case 'map':
    case 'map_value':
      return maps[reloc.map ?? -1] ?? reloc.raw_imm ?? -1;
  }
}

/** BPF_PROG_LOAD with a log, however long it gets. */
export async function load(
  host: CaseHost,
  attr: Attr<'PROG_LOAD'>,
  logLevel: number,
  rooms: readonly number[] = LOG_ROOMS,
): Promise<Verdict> {
  for (let n = 0; ; n++) {
    const room = rooms[n]!;
    try {
      const answer = await host.kernel.bpf('PROG_LOAD', { ...attr, log_level: logLevel, log_buf: room });
      return { accept: true, fd: answer.ret, errno: 0, log: logText(answer.log_buf) };
    } catch (error) {
      const refused = error instanceof UnsupportedError ? (error.cause ?? error) : error;
      if (refused instanceof BpfError) {
        if (refused.errno === ENOSPC && n + 1 < rooms.length) continue;
        const log = refused instanceof VerifierError ? refused.log : '';
        return { accept: false, fd: -1, errno: refused.errno, log };
      }
      const log = host.acceptedLog();
      if (!(error instanceof UnsupportedError) || log === undefined) throw error;
      return { accept: true, fd: -1, errno: 0, log, unrunnable: error.message };
    }
  }
}

/** Every run in turn, on the same program and maps. */
async function runAll(kernel: Kernel, fd: Fd, runs: readonly CaseRun[]): Promise<RunAnswer[]> {
  const answers: RunAnswer[] = [];
  for (const { data_in = '' } of runs) answers.push(await testRun(kernel, fd, hex(data_in)));
  return answers;
}

/** One BPF_PROG_TEST_RUN on a packet; an empty one is none. */
export async function testRun(kernel: Kernel, fd: Fd, data: Uint8Array): Promise<RunAnswer> {
  const packet = data.length === 0 ? {} : { data_in: data, data_out: data.length + GROWTH };
  try {
    const { retval, data_out } = await kernel.bpf('PROG_TEST_RUN', { prog_fd: fd, ...packet });
    return { ret: 0, errno: 0, retval, data_out: toHex(data_out ?? new Uint8Array(0)) };
  } catch (error) {
    const notHere = error instanceof UnsupportedError;
    if (!(error instanceof BpfError) && !notHere) throw error;
    // A kernel that does not run a kind of program says so with ENOTSUPP.
    return { ret: -1, errno: notHere ? ENOTSUPP : error.errno, retval: 0, data_out: '' };
  }
}

/** Values by key 0, 1, 2…, null where there is none. Of maps that cannot be read so: none. */
async function contentsOf(kernel: Kernel, maps: readonly CaseMap[], fds: readonly Fd[]): Promise<(string | null)[][]> {
  const all: (string | null)[][] = [];
  for (const [i, map] of maps.entries()) all.push(await valuesOf(kernel, map, fds[i]!));
  return all;
}

async function valuesOf(kernel: Kernel, map: CaseMap, fd: Fd): Promise<(string | null)[]> {
  const values: (string | null)[] = [];
  const size = userValueSize(map, kernel.possibleCpus);
  for (let n = 0; n < Math.min(map.max_entries, MAX_READ_BACK); n++) {
    const key = new Uint8Array(map.key_size);
    if (key.length >= 4) view(key).setUint32(0, n, true);
    try {
      values.push(toHex((await kernel.bpf('MAP_LOOKUP_ELEM', { map_fd: fd, key, value: size })).value));
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      if (error.errno !== ENOENT) break;
      values.push(null);
    }
  }
  return values;
}
