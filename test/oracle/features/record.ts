/**
 * Compiles the programs of this folder and writes down what the machine's kernel says to each, for features.test.ts.
 * Needs clang, libbpf's headers, and bpf(2).
 *
 *   npx tsx test/oracle/features/record.ts
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { toHex } from '../../../src/base/bytes.ts';
import type { CaseMap, CaseReloc, ProgramCase } from '../../../src/bin/cases/case.ts';
import { openCaseHost } from '../../../src/bin/cases/host.ts';
import { BtfObjects } from '../../../src/bin/cases/objects.ts';
import { answerProgram } from '../../../src/bin/cases/program.ts';
import { type Btf, dumpC } from '../../../src/btf/index.ts';
import {
  type CollectionSpec,
  type MapSpec,
  type ProgramSpec,
  parseObject,
  relocateCore,
  typesForKernel,
} from '../../../src/object/index.ts';
import {
  BPF_MAP_TYPE_STRUCT_OPS,
  BPF_PROG_TYPE_STRUCT_OPS,
  BPF_PROG_TYPE_TRACING,
  BPF_TRACE_ITER,
  BPF_TRACE_RAW_TP,
} from '../../../src/uapi/generated/constants.ts';
import { RECORD, type Recorded } from './recorded.ts';

const HERE = new URL('.', import.meta.url).pathname;
/** What the kernel functions that run are given: an Ethernet frame with an IP packet in it. */
const PACKET = `112233445566aabbccddeeff08004500002e000040004011b6b60a0000010a00000204d2162e001a0000${'00'.repeat(24)}`;
const RUNS = 'running.bpf.c';

const linux = await openCaseHost('linux');
const directory = mkdtempSync(join(tmpdir(), 'skep-features-'));
const blobs = new Map<string, Uint8Array>();
const objects = new BtfObjects(linux.kernel, blobs);
const kernelBtf = await objects.kernel();
writeFileSync(join(directory, 'vmlinux.h'), dumpC(kernelBtf));
const recorded: Recorded = { cases: [], btf: {} };
try {
  for (const file of readdirSync(HERE).filter((name) => name.endsWith('.bpf.c'))) await recordFile(file);
  recorded.btf = Object.fromEntries([...blobs].map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]));
  writeFileSync(RECORD, gzipSync(JSON.stringify(recorded)));
  process.stdout.write(`${recorded.cases.length} programs\n`);
} finally {
  rmSync(directory, { recursive: true });
  await objects.close();
  await linux.kernel.close();
}

async function recordFile(file: string): Promise<void> {
  const object = join(directory, `${file}.o`);
  const flags = [
    '-target',
    'bpf',
    '-O2',
    '-g',
    '-mcpu=v4',
    '-D__TARGET_ARCH_x86',
    '-DBPF_NO_KFUNC_PROTOTYPES',
    '-Wno-everything',
    `-I${directory}`,
  ];
  execFileSync('clang-19', [...flags, '-c', join(HERE, file), '-o', object], { stdio: 'inherit' });
  const spec = parseObject(new Uint8Array(readFileSync(object)), { name: 'o' });
  const name = createHash('sha1').update(spec.btfBytes!).digest('hex').slice(0, 16);
  blobs.set(name, spec.btfBytes!);
  for (const program of spec.programs.values()) {
    const bare = caseOf(`${basename(file, '.bpf.c')}/${program.name}`, spec, program, name);
    if (file === RUNS) bare.runs = [{ ret: 0, errno: 0, retval: 0, data_in: PACKET, data_out: '' }];
    const { accept, errno, msg, processed, runs } = await answerProgram(linux, objects, '', bare);
    const answered = runs?.map((run) => ({ ...run, data_in: PACKET }));
    recorded.cases.push({ ...bare, accept, errno, msg, processed, ...(answered ? { runs: answered } : {}) });
  }
}

function caseOf(id: string, spec: CollectionSpec, program: ProgramSpec, btf: string): ProgramCase {
  const insns = relocateCore(program, spec.btf!, kernelBtf).insns;
  const maps: string[] = [];
  const relocs = program.references.map(({ pc, kind, name, off }): CaseReloc => {
    if (kind === 'kfunc') return { insn: pc, kind, name };
    if (kind === 'ksym') return { insn: pc, kind: 'ksym_btf', name };
    if (!maps.includes(name)) maps.push(name);
    return { insn: pc, kind: kind === 'map' ? 'map' : 'map_value', map: maps.indexOf(name), off };
  });
  const target = targetOf(spec, program, kernelBtf);
  return {
    id,
    name: program.name,
    prog_type: program.type,
    attach_type: target.attachType,
    ...(target.name === undefined ? {} : { attach_btf: target.name }),
    flags: program.flags,
    license: spec.license,
    insns: toHex(insns),
    relocs,
    maps: maps.map((name) => mapOf(spec.maps.get(name)!, btf)),
    prog_btf: btf,
    func_info: toHex(program.funcInfo),
    accept: false,
    errno: 0,
    msg: '',
  };
}

function mapOf(spec: MapSpec, btf: string): CaseMap {
  const types = typesForKernel(spec);
  return {
    type: spec.type,
    key_size: spec.keySize,
    value_size: spec.valueSize,
    max_entries: spec.maxEntries,
    flags: spec.flags,
    name: spec.name,
    extra: Number(spec.extra),
    btf,
    btf_key: types.key,
    btf_value: types.value,
    ...(spec.data ? { init: [['00000000', toHex(spec.data)]] } : {}),
    ...(spec.freeze ? { frozen: true } : {}),
  };
}

/** What the program attaches to, by its name in the kernel's BTF. */
function targetOf(spec: CollectionSpec, program: ProgramSpec, kernel: Btf): { name?: string; attachType: number } {
  const { type, attachType, attachTo } = program;
  if (type === BPF_PROG_TYPE_TRACING && attachType === BPF_TRACE_RAW_TP) {
    return { name: `btf_trace_${attachTo}`, attachType };
  }
  if (type === BPF_PROG_TYPE_TRACING && attachType === BPF_TRACE_ITER)
    return { name: `bpf_iter_${attachTo}`, attachType };
  if (type !== BPF_PROG_TYPE_STRUCT_OPS) return { attachType };
  for (const { structOps } of [...spec.maps.values()].filter((map) => map.type === BPF_MAP_TYPE_STRUCT_OPS)) {
    const member = [...structOps!.members].find(([, name]) => name === program.name)?.[0];
    const struct = kernel.type(kernel.find(structOps!.typeName, 'struct'));
    if (member === undefined || struct?.kind !== 'struct') continue;
    return { name: structOps!.typeName, attachType: struct.members.findIndex((m) => m.name === member) };
  }
  throw new Error(`${program.name} is no member of any structure`);
}
