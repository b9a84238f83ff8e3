/** One program of an object: its references resolved, its CO-RE relocations applied, loaded. */
import { view } from '../base/bytes.ts';
import { BpfError, SkepError, UnsupportedError } from '../base/errors.ts';
import { POISON, parseBtf } from '../btf/index.ts';
import { BPF_PSEUDO_BTF_ID } from '../isa/index.ts';
import { type CollectionSpec, type ProgramSpec, type Reference, relocateCore, withPrologue } from '../object/index.ts';
import { Bpf, type Fd, type Kernel } from '../sys/index.ts';
import { BPF_F_XDP_DEV_BOUND_ONLY } from '../uapi/flags.ts';
import * as C from '../uapi/generated/constants.ts';
import { about } from './about.ts';
import type { KernelTypes } from './kernel-types.ts';
import type { LoadOptions } from './load-options.ts';
import { BpfProgram } from './program.ts';
import { structOpsTarget } from './struct-ops.ts';
import type { UsdtSpecs } from './usdt-specs.ts';

const NAME_MAX = 15;
const SLOT = 8;
const FUNC_INFO_SIZE = 8;
const LINE_INFO_SIZE = 16;

export interface LoadContext {
  readonly kernel: Kernel;
  readonly spec: CollectionSpec;
  readonly options: LoadOptions;
  readonly types: KernelTypes;
  readonly btfFd: Fd | undefined;
  readonly specs: UsdtSpecs | undefined;
  mapFd(name: string): Fd | undefined;
}

export async function loadProgram(context: LoadContext, given: ProgramSpec): Promise<BpfProgram> {
  const { kernel, spec, options, btfFd } = context;
  const program = options.prologue ? withPrologue(given, options.prologue(given)) : given;
  const type = options.programType?.type ?? program.type;
  if (type === C.BPF_PROG_TYPE_UNSPEC) {
    throw new SkepError(
      'ERR_NO_PROGRAM_TYPE',
      `program '${program.name}': its section '${program.section}' says no program type; rename it or give one`,
    );
  }
  const attachType = options.programType?.attachType ?? program.attachType;
  const typed = btfFd !== undefined && program.funcInfo.length > 0;
  const bpf = new Bpf(kernel);
  try {
    const { fd, log } = await bpf.progLoad({
      prog_type: type,
      expected_attach_type: attachType,
      insns: await resolved(context, program),
      license: spec.license,
      kern_version: spec.kernelVersion,
      prog_flags: program.flags | (options.boundDevice === undefined ? 0 : BPF_F_XDP_DEV_BOUND_ONLY),
      prog_ifindex: options.boundDevice ?? 0,
      prog_name: program.name.slice(0, NAME_MAX),
      log_level: options.logLevel ?? 0,
      ...(typed ? typeInfo(btfFd, program) : {}),
      ...(await attachTarget(context, program, type, attachType)),
    });
    return new BpfProgram(kernel, fd, { ...program, type, attachType }, log, context.specs);
  } catch (error) {
    const refused = about(`program '${program.name}'`, error);
    if (refused instanceof BpfError) options.onRefused?.(program.name, refused);
    throw refused;
  }
}

function typeInfo(btfFd: Fd, program: ProgramSpec) {
  return {
    prog_btf_fd: btfFd,
    func_info: program.funcInfo,
    func_info_rec_size: FUNC_INFO_SIZE,
    func_info_cnt: program.funcInfo.length / FUNC_INFO_SIZE,
    line_info: program.lineInfo,
    line_info_rec_size: LINE_INFO_SIZE,
    line_info_cnt: program.lineInfo.length / LINE_INFO_SIZE,
  };
}

/** The instructions as the kernel wants them: descriptors and ids in place of names. */
async function resolved(context: LoadContext, program: ProgramSpec): Promise<Uint8Array> {
  const { spec, types } = context;
  const insns =
    program.coreRelocations.length > 0 && spec.btf
      ? relocateCore(program, spec.btf, await types.btf()).insns
      : program.insns.slice();
  const dv = view(insns);
  for (const reference of program.references) {
    const at = reference.pc * SLOT;
    switch (reference.kind) {
      case 'map':
      case 'map-value': {
        const fd = context.mapFd(reference.name);
        if (fd === undefined)
          throw new SkepError(
            'ERR_NO_SUCH_MAP',
            `program '${program.name}' uses map '${reference.name}', which the object does not define`,
          );
        dv.setInt32(at + 4, fd, true);
        break;
      }
      case 'kfunc':
        await resolveKfunc(context, program, reference, dv, at);
        break;
      case 'ksym':
        await resolveKsym(context, program, reference, dv, at);
        break;
    }
  }
  return insns;
}

async function resolveKfunc(
  { types }: LoadContext,
  program: ProgramSpec,
  { name, weak }: Reference,
  dv: DataView,
  at: number,
): Promise<void> {
  const id = (await types.btf()).find(name, 'func');
  if (id === 0 && !weak) throw missing(program, `the kernel function '${name}'`);
  if (id === 0) {
    // As libbpf does it: a call that the verifier refuses, should it ever be reached.
    dv.setUint8(at + 1, 0);
    dv.setInt32(at + 4, POISON, true);
    return;
  }
  dv.setInt16(at + 2, 0, true); // the kernel's own BTF
  dv.setInt32(at + 4, id, true);
}

async function resolveKsym(
  { types }: LoadContext,
  program: ProgramSpec,
  { name, weak }: Reference,
  dv: DataView,
  at: number,
): Promise<void> {
  const byType = dv.getUint8(at + 1) >> 4 === BPF_PSEUDO_BTF_ID;
  const id = byType ? (await types.btf()).find(name, 'var') : 0;
  if (id === 0 && !weak) {
    throw missing(program, byType ? `the kernel variable '${name}'` : `the address of the kernel symbol '${name}'`);
  }
  if (id === 0) dv.setUint8(at + 1, dv.getUint8(at + 1) & 0x0f);
  dv.setInt32(at + 4, id, true);
  dv.setInt32(at + SLOT + 4, 0, true);
}

function missing(program: ProgramSpec, what: string): UnsupportedError {
  return new UnsupportedError(`${what}, which program '${program.name}' needs,`);
}

/** Types that are bound to a place in the kernel when they are loaded: the BTF id of that place. */
async function attachTarget(context: LoadContext, program: ProgramSpec, type: number, attachType: number) {
  const at = program.attachTo;
  const target = context.options.targets?.[program.name];
  if (target && (type === C.BPF_PROG_TYPE_EXT || type === C.BPF_PROG_TYPE_TRACING)) {
    return functionOf(target, program);
  }
  if (type === C.BPF_PROG_TYPE_EXT) {
    throw new SkepError(
      'ERR_ATTACH',
      `program '${program.name}': say which loaded program it goes into, as { targets: { ${program.name}: program } }`,
    );
  }
  if (type === C.BPF_PROG_TYPE_STRUCT_OPS) {
    const { id, member } = structOpsTarget(context.spec, await context.types.btf(), program.name);
    return { attach_btf_id: id, expected_attach_type: member };
  }
  const name = targetName(type, attachType, at);
  if (name === undefined) return {};
  if (at === '') {
    throw new SkepError(
      'ERR_ATTACH',
      `program '${program.name}': SEC("${program.section}") has to say where, as SEC("${program.section}/NAME")`,
    );
  }
  const btf = await context.types.btf();
  const id = btf.find(name, attachType === C.BPF_TRACE_RAW_TP ? 'typedef' : 'func');
  if (id === 0) throw missing(program, `'${at}' (${name} in the kernel's types)`);
  return { attach_btf_id: id };
}

/** A function of another program, by that program's own types. */
async function functionOf(target: BpfProgram, { name, section, attachTo }: ProgramSpec) {
  const { btf_id } = await target.info();
  const bpf = new Bpf(target.kernel);
  const types =
    btf_id === 0 ? undefined : await bpf.withFd(bpf.btfById(btf_id), (fd) => bpf.btfInfo(fd, { bytes: true }));
  const id = types ? parseBtf(types.btf).find(attachTo, 'func') : 0;
  if (id > 0) return { attach_prog_fd: target.fd, attach_btf_id: id };
  throw new SkepError(
    'ERR_ATTACH',
    `program '${name}': SEC("${section}") names no function of '${target.name}'${types ? '' : ', which has no types'}`,
  );
}

/** What the place is called in the kernel's BTF; undefined for types that need none. */
function targetName(type: number, attachType: number, at: string): string | undefined {
  if (type === C.BPF_PROG_TYPE_LSM) return `bpf_lsm_${at}`;
  if (type !== C.BPF_PROG_TYPE_TRACING) return undefined;
  if (attachType === C.BPF_TRACE_RAW_TP) return `btf_trace_${at}`;
  return attachType === C.BPF_TRACE_ITER ? `bpf_iter_${at}` : at;
}
