/** From what the verifier accepted to a program that runs. */
import { EINVAL, ENOMEM } from '../../base/errno.ts';
import { bug, UnsupportedError } from '../../base/errors.ts';
import { MAP_HEADER_STORAGE, MAP_HEADER_STRIDE } from '../../base/map-header.ts';
import { bindObjects } from '../../helpers/index.ts';
import { BPF_PSEUDO_BTF_ID, decode, type Insns, LD_IMM64 } from '../../isa/index.ts';
import { ArenaMap } from '../../maps/index.ts';
import type { VerifiedProgram, VerifierResult } from '../../verifier/index.ts';
import type { Callable, Code, InlineMap } from '../../vm/index.ts';
import type { Core } from '../core.ts';
import type { BtfObject } from '../objects/btf.ts';
import type { LiveMap } from '../objects/map.ts';
import { LoadedProg } from '../objects/prog.ts';
import { settleSort, sortOf } from '../objects/prog-array.ts';
import { resolveToAddresses } from './map-references.ts';
import { objectLayout } from './object-layout.ts';
import { ProgramText } from './program-text.ts';

/** What the caller said of a program. */
export interface ProgramOrigin {
  /** As given, before the verifier's rewrites. */
  readonly bytecode: Uint8Array;
  readonly type: number;
  readonly flags: number;
  readonly name: string;
  readonly gplCompatible: boolean;
  readonly attachBtfId: number;
  readonly btf: BtfObject | undefined;
  readonly uid: number;
}

/** The program, or -errno. Throws BpfError ENOMEM where the engine has no room. */
export function makeProgram(
  core: Core,
  origin: ProgramOrigin,
  result: VerifierResult & { ok: true },
): LoadedProg | number {
  const { program } = result;
  const maps = program.usedMaps.map(({ id }) => core.maps.ids.get(id) ?? bug(`map ${id} went away while it was used`));
  const sort = sortOf(origin.type, program.attachType);
  for (const map of maps) if (!settleSort(map, sort)) return -EINVAL;

  const code = decode(program.insns);
  const kfuncs = callables(core, origin.btf, program, code);
  const arenaMap = maps.find(({ map }) => map instanceof ArenaMap)?.map as ArenaMap | undefined;
  const arena = arenaMap?.layout();
  if (arena === null) return -ENOMEM;
  resolveToAddresses(code, maps);
  const starts = program.subprogs.map((subprog) => subprog.start);
  const runnable = core.engine.load(
    {
      insns: code,
      subprogs: starts,
      names: program.subprogs.map((subprog) => subprog.name),
      faultable: program.faultable,
      kfuncs,
      ...exceptions(program, starts),
      ...(arena === undefined ? {} : { arena: { ...arena, accesses: program.arenaAccesses } }),
      callMaps: inlineMaps(core, program, maps),
      longestRun: program.longestRun,
    },
    { mode: core.mode, checked: core.checked },
  );
  return new LoadedProg(
    core.progs,
    {
      name: origin.name,
      type: origin.type,
      attachType: program.attachType,
      flags: origin.flags,
      gplCompatible: origin.gplCompatible,
      uid: origin.uid,
      loadTime: core.world.clock.boot(),
      text: new ProgramText(origin.bytecode, program.insns, starts, maps),
      funcInfo: program.funcInfo,
      lineInfo: program.lineInfo,
      subprogStarts: starts,
      verifiedInsns: result.stats.processed,
      attachBtfId: origin.attachBtfId,
      bufferAccess: program.bufferAccess,
    },
    runnable,
    maps.map((map) => map.hold()),
    origin.btf?.hold(),
  );
}

/** What the program calls of the kernel. UnsupportedError where that cannot be run here, though it was verified. */
function callables(
  core: Core,
  btf: BtfObject | undefined,
  program: VerifiedProgram,
  insns: Insns,
): Map<number, Callable> {
  const { code, src } = insns;
  for (let pc = 0; pc < insns.length; pc++) {
    if (code[pc] === LD_IMM64 && src[pc] === BPF_PSEUDO_BTF_ID) {
      throw new UnsupportedError('running programs that read variables of the kernel');
    }
  }
  const bound = new Map<number, Callable>();
  const objects = bindObjects(core.execution, (id) => objectLayout(btf?.btf, id));
  for (const [pc, name] of program.kfuncs) {
    if (name === 'bpf_throw') continue; // the engine's own
    const callable = core.kfuncs.get(name) ?? objects.get(name);
    if (!callable) throw new UnsupportedError(`kfunc ${name}`);
    bound.set(pc, callable);
  }
  return bound;
}

/** Where it throws, and what makes an answer of that. */
function exceptions(program: VerifiedProgram, starts: readonly number[]): Pick<Code, 'throws' | 'exceptionCallback'> {
  const throws = new Set([...program.kfuncs].filter(([, name]) => name === 'bpf_throw').map(([pc]) => pc));
  if (program.exceptionCallback === 0) return { throws };
  return { throws, exceptionCallback: starts.indexOf(program.exceptionCallback) };
}

function inlineMaps(core: Core, program: VerifiedProgram, maps: readonly LiveMap[]): Map<number, InlineMap> {
  const inline = new Map<number, InlineMap>();
  for (const [pc, index] of program.callMaps) {
    const { map, def } = maps[index]!;
    inline.set(pc, {
      type: def.type,
      addr: map.addr,
      keySize: def.keySize,
      valueSize: def.valueSize,
      maxEntries: def.maxEntries,
      base: core.mem.u32(map.addr + MAP_HEADER_STORAGE),
      stride: core.mem.u32(map.addr + MAP_HEADER_STRIDE),
    });
  }
  return inline;
}
