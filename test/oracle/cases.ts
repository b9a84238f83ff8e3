/**
 * Program cases against the verifier: what Linux answered, what ours answers, and where they differ.
 *
 *   npx tsx test/oracle/cases.ts FILE... [--limit N] [--tier T] [--compare] [--only ID] [--log ID]
 *
 * Without --compare: one JSON object a case. With it: a table per file and tier, then the disagreements.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { fromHex } from '../../src/base/bytes.ts';
import { type Btf, parseBtf } from '../../src/btf/index.ts';
import { type VerifierInput, type VerifierMap, type VerifierResult, verify } from '../../src/verifier/index.ts';

interface CaseMap {
  type: number;
  key_size: number;
  value_size: number;
  max_entries: number;
  flags: number;
  name?: string;
  extra?: number;
  inner?: CaseMap | number;
  btf?: string;
  btf_key?: number;
  btf_value?: number;
  frozen?: boolean;
  init?: [string, string][];
}

export interface Case {
  id: string;
  name?: string;
  prog_type: number;
  attach_type?: number;
  attach_btf?: string;
  flags?: number;
  license?: string;
  insns: string;
  relocs?: { insn: number; kind: string; map?: number; off?: number; name?: string }[];
  maps?: CaseMap[];
  prog_btf?: string;
  func_info?: string;
  accept: boolean;
  errno: number;
  msg: string;
  processed?: number[];
  tier?: number;
  env?: unknown;
  features?: string[];
}

export interface Loaded {
  file: string;
  cases: Case[];
  btfDir: string;
}

export function readCases(file: string): Loaded {
  const raw = readFileSync(file);
  const text = (file.endsWith('.gz') ? gunzipSync(raw) : raw).toString('utf8');
  const cases = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Case);
  return { file: basename(file).replace(/\.jsonl.*$/, ''), cases, btfDir: join(dirname(file), 'btf') };
}

const FROM_FD = 100;

/** Reads BTF once. */
export class BtfCache {
  readonly #dir: string;
  readonly #read = new Map<string, Btf>();
  #kernel: Btf | undefined;
  constructor(dir: string) {
    this.#dir = dir;
  }
  get(hash: string): Btf {
    let btf = this.#read.get(hash);
    if (!btf) {
      btf = parseBtf(new Uint8Array(readFileSync(join(this.#dir, `${hash}.btf`))));
      this.#read.set(hash, btf);
    }
    return btf;
  }
  kernel(): Btf {
    this.#kernel ??= parseBtf(new Uint8Array(readFileSync('/sys/kernel/btf/vmlinux')));
    return this.#kernel;
  }
}

function mapOf(def: CaseMap, id: number, btfs: BtfCache, all: readonly CaseMap[]): VerifierMap {
  const inner = typeof def.inner === 'number' ? all[def.inner] : def.inner;
  const frozenConst = def.frozen && (def.flags & 0x80) !== 0;
  return {
    id,
    name: def.name ?? '',
    type: def.type,
    keySize: def.key_size,
    valueSize: def.value_size,
    maxEntries: def.max_entries,
    flags: def.flags,
    frozen: def.frozen ?? false,
    ...(def.btf ? { btf: btfs.get(def.btf), btfKeyTypeId: def.btf_key ?? 0, btfValueTypeId: def.btf_value ?? 0 } : {}),
    ...(inner ? { inner: mapOf(inner, id + 1000, btfs, all) } : {}),
    ...(frozenConst ? { constants: () => contents(def) } : {}),
  };
}

function contents(def: CaseMap): Uint8Array {
  const out = new Uint8Array(def.value_size * def.max_entries);
  for (const [key, value] of def.init ?? []) {
    const bytes = fromHex(key)!;
    const index = bytes[0]! | (bytes[1]! << 8);
    out.set(fromHex(value)!, index * def.value_size);
  }
  return out;
}

export function inputOf(c: Case, btfs: BtfCache, logLevel: number): VerifierInput {
  const insns = fromHex(c.insns)!;
  const dv = new DataView(insns.buffer);
  const maps = (c.maps ?? []).map((def, k) => mapOf(def, k + 1, btfs, c.maps!));
  for (const r of c.relocs ?? []) {
    if (r.kind === 'kfunc') dv.setInt32(r.insn * 8 + 4, btfs.kernel().find(r.name ?? '', 'func'), true);
    if (r.kind === 'ksym_btf') dv.setInt32(r.insn * 8 + 4, btfs.kernel().find(r.name ?? '', 'var'), true);
    if ((r.kind !== 'map' && r.kind !== 'map_value') || (r.map ?? -1) < 0) continue;
    dv.setInt32(r.insn * 8 + 4, FROM_FD + r.map!, true);
  }
  return {
    insns,
    name: c.name ?? '',
    progType: c.prog_type,
    attachType: c.attach_type ?? 0,
    flags: c.flags ?? 0,
    gplCompatible: /^(GPL|GPL v2|GPL and additional rights|Dual (BSD|MIT|MPL)\/GPL)$/.test(c.license ?? 'GPL'),
    mapByFd: (fd) => maps[fd - FROM_FD],
    ...(c.prog_btf ? { btf: btfs.get(c.prog_btf) } : {}),
    ...(c.func_info ? { funcInfo: fromHex(c.func_info)! } : {}),
    kernelBtf: () => btfs.kernel(),
    ...(c.attach_btf
      ? {
          attachBtfId: btfs
            .kernel()
            .find(c.attach_btf, ...(c.prog_type === 27 ? (['struct'] as const) : (['func', 'typedef'] as const))),
        }
      : {}),
    cpus: 2,
    logLevel,
  };
}

/** The last line that says something, as the recorded cases have it. */
function lastMessage(log: string): string {
  const loop = /infinite loop detected at insn \d+/.exec(log);
  if (loop) return loop[0];
  const lines = log
    .split('\n')
    .filter((l) => l.trim() !== '' && !/^(processed |verification time|stack depth)/.test(l));
  const last = lines.at(-1) ?? '';
  const cut = last.indexOf('processed ');
  return (cut > 0 ? last.slice(0, cut) : last).replace(/0x[0-9a-f]{8,}(?=[ ,)])/g, (x) => x);
}

interface Row {
  cases: number;
  verdict: number;
  wrongAccept: number;
  wrongReject: number;
  rejected: number;
  errno: number;
  msg: number;
  accepted: number;
  processed: number;
  stats: number;
  ms: number;
}
const emptyRow = (): Row => ({
  cases: 0,
  verdict: 0,
  wrongAccept: 0,
  wrongReject: 0,
  rejected: 0,
  errno: 0,
  msg: 0,
  accepted: 0,
  processed: 0,
  stats: 0,
  ms: 0,
});

function option(args: string[], name: string): string | undefined {
  const at = args.indexOf(name);
  if (at < 0) return undefined;
  const [, value] = args.splice(at, 2);
  return value;
}

function main(argv: string[]): void {
  const args = [...argv];
  const limit = Number(option(args, '--limit') ?? Number.POSITIVE_INFINITY);
  const tier = option(args, '--tier');
  const only = option(args, '--only');
  const logId = option(args, '--log');
  const level = Number(option(args, '--level') ?? 1);
  const compareAt = args.indexOf('--compare');
  const compare = compareAt >= 0;
  if (compare) args.splice(compareAt, 1);
  const rows = new Map<string, Row>();
  const differences: string[] = [];
  for (const file of args) {
    if (!existsSync(file)) throw new Error(`${file} is not there`);
    const { cases, btfDir, file: name } = readCases(file);
    const btfs = new BtfCache(btfDir);
    let done = 0;
    for (const c of cases) {
      if (done >= limit) break;
      if (tier !== undefined && String(c.tier) !== tier) continue;
      if (only !== undefined && c.id !== only) continue;
      if (logId !== undefined && c.id !== logId) continue;
      done++;
      const start = performance.now();
      let result: VerifierResult | null = null;
      let problem = '';
      try {
        result = verify(inputOf(c, btfs, logId ? level : 1));
      } catch (error) {
        problem =
          error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 3).join(' | ') : `${error}`;
      }
      const ms = performance.now() - start;
      if (logId) {
        process.stdout.write(`${result?.log ?? problem}\n`);
        continue;
      }
      if (!compare) {
        process.stdout.write(`${JSON.stringify(answer(c, result, problem, ms))}\n`);
        continue;
      }
      if (c.env !== undefined) continue;
      const key = `${name} ${c.tier ?? '-'}`;
      const row = rows.get(key) ?? emptyRow();
      rows.set(key, row);
      note(row, c, result, problem, ms, differences);
    }
  }
  if (compare) report(rows, differences);
}

function answer(c: Case, result: VerifierResult | null, problem: string, ms: number): Record<string, unknown> {
  if (!result) return { id: c.id, error: problem };
  const { stats } = result;
  return {
    id: c.id,
    accept: result.ok,
    errno: result.ok ? 0 : result.errno,
    msg: result.ok ? '' : lastMessage(result.log),
    processed: [stats.processed, 1_000_000, stats.maxStatesPerInsn, stats.totalStates, stats.peakStates, 0],
    ms: Math.round(ms * 100) / 100,
  };
}

function note(row: Row, c: Case, result: VerifierResult | null, problem: string, ms: number, out: string[]): void {
  row.cases++;
  row.ms += ms;
  const tag = `${c.id} tier ${c.tier ?? '-'}`;
  if (!result) {
    out.push(`CRASH ${tag}: ${problem}`);
    return;
  }
  const msg = result.ok ? '' : lastMessage(result.log);
  if (result.ok === c.accept) row.verdict++;
  else if (result.ok) {
    row.wrongAccept++;
    out.push(`WRONGLY ACCEPTED ${tag}: ${c.msg}`);
  } else {
    row.wrongReject++;
    out.push(`WRONGLY REJECTED ${tag}: ${msg}`);
  }
  if (!c.accept) {
    row.rejected++;
    if (!result.ok) {
      if (result.errno === c.errno) row.errno++;
      else out.push(`errno ${tag}: ours ${result.errno}, Linux ${c.errno} (${c.msg})`);
      if (msg === c.msg) row.msg++;
      else out.push(`message ${tag}: ours '${msg}', Linux '${c.msg}'`);
    }
  } else {
    row.accepted++;
    if (result.ok && c.processed) {
      const { stats } = result;
      if (stats.processed === c.processed[0]) row.processed++;
      else out.push(`processed ${tag}: ours ${stats.processed}, Linux ${c.processed[0]}`);
      const same =
        stats.maxStatesPerInsn === c.processed[2] &&
        stats.totalStates === c.processed[3] &&
        stats.peakStates === c.processed[4];
      if (same) row.stats++;
      else if (stats.processed === c.processed[0]) {
        out.push(
          `states ${tag}: ours ${stats.maxStatesPerInsn} ${stats.totalStates} ${stats.peakStates}, Linux ${c.processed.slice(2, 5).join(' ')}`,
        );
      }
    }
  }
}

function report(rows: Map<string, Row>, differences: string[]): void {
  const lines: string[][] = [
    ['file tier', 'cases', 'verdict', 'wrong+', 'wrong-', 'errno', 'message', 'processed', 'states', 'ms'],
  ];
  for (const [key, r] of [...rows].sort(([a], [b]) => (a < b ? -1 : 1))) {
    lines.push([
      key,
      `${r.cases}`,
      `${r.verdict}`,
      `${r.wrongAccept}`,
      `${r.wrongReject}`,
      `${r.errno}/${r.rejected}`,
      `${r.msg}/${r.rejected}`,
      `${r.processed}/${r.accepted}`,
      `${r.stats}/${r.accepted}`,
      r.ms.toFixed(0),
    ]);
  }
  const widths = lines[0]!.map((_, k) => Math.max(...lines.map((l) => l[k]!.length)));
  for (const l of lines) process.stdout.write(`${l.map((t, k) => t.padEnd(widths[k]!)).join('  ')}\n`);
  for (const d of differences) process.stdout.write(`${d}\n`);
}

if (process.argv[1]?.endsWith('cases.ts')) main(process.argv.slice(2));
