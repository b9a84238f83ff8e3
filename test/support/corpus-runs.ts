/**
 * Runs program cases of the shared corpus straight on the engine, without verifier, loader or kernel: what Linux
 * accepted, on the packet that Linux ran it on. For programs over packets, with maps and the helpers that need no more.
 *
 * `corpusCases` answers none where the corpus is absent.
 */
import { existsSync } from 'node:fs';
import { fromHex, toHex } from '../../src/base/bytes.ts';
import { EBADF } from '../../src/base/errno.ts';
import type { Addr } from '../../src/base/memory.ts';
import { type ProgramCase, programsOf, readCaseFile } from '../../src/bin/cases/case.ts';
import { decode } from '../../src/isa/index.ts';
import { SkbFrame, XdpFrame } from '../../src/kernel/hooks/frame.ts';
import { createMap, type KernelMap, type MapEnv } from '../../src/maps/index.ts';
import * as abi from '../../src/uapi/generated/constants.ts';
import { type Callable, Engine, type EngineOptions, type FaultInfo, LinearMemory } from '../../src/vm/index.ts';
import { subprogsOf } from './run-code.ts';

export interface CorpusResult {
  retval: number;
  /** Hex. */
  data_out: string;
  fault: FaultInfo | null;
}

const MAC_HEADER = 14;
const LOOPBACK = 1;

export function corpusCases(name: string): ProgramCase[] {
  const file = new URL(`../../../shared/corpus/${name}.jsonl.gz`, import.meta.url);
  return existsSync(file) ? programsOf(readCaseFile(file.pathname)) : [];
}

/** What BPF_PROG_TEST_RUN would answer. `helpers` adds to those of maps. */
export function runCorpusCase(
  c: ProgramCase,
  options: EngineOptions = {},
  helpers: (engine: Engine) => Iterable<[number, Callable]> = () => [],
): CorpusResult {
  const mem = new LinearMemory({ limit: 64 << 20 });
  const maps = makeMaps(c, mem);
  const table = new Map<number, Callable>(mapHelpers(maps));
  const engine = new Engine(mem, { helpers: table });
  for (const [id, helper] of helpers(engine)) table.set(id, helper);
  const bytes = fromHex(c.insns)!;
  const insns = decode(bytes);
  for (const { insn, map, kind, off = 0 } of c.relocs ?? []) {
    const target = maps[map ?? -1]!;
    insns.imm[insn] = kind === 'map_value' ? target.valueBase + off : target.addr;
    insns.imm[insn + 1] = 0;
  }
  const program = engine.load({ insns, subprogs: subprogsOf(bytes) }, options);
  const data = fromHex(c.run!.data_in ?? '')!;
  const frame = c.prog_type === abi.BPF_PROG_TYPE_XDP ? xdpFrame(mem, data) : skbFrame(mem, data, c.prog_type);
  // Everything: what the program may touch was Linux's to decide.
  engine.regions = [{ start: 0x10000, size: mem.size - 0x10000, writable: true }];
  const retval = program.run(frame.ctx);
  const out = frame.packet;
  const blank = c.prog_type === abi.BPF_PROG_TYPE_SOCKET_FILTER ? '00'.repeat(MAC_HEADER) : '';
  return { retval, data_out: blank + toHex(out), fault: engine.fault };
}

function xdpFrame(mem: LinearMemory, data: Uint8Array): XdpFrame {
  const frame = XdpFrame.make(mem, data)!;
  frame.describe(LOOPBACK, 0);
  return frame;
}

function skbFrame(mem: LinearMemory, data: Uint8Array, progType: number): SkbFrame {
  const frame = SkbFrame.make(mem, data)!;
  if (progType === abi.BPF_PROG_TYPE_SOCKET_FILTER) frame.data += MAC_HEADER;
  frame.dataMeta = frame.data;
  frame.describe(LOOPBACK, { protocol: (data[12]! << 8) | data[13]! });
  frame.set('ingress_ifindex', 0);
  frame.set('wire_len', 0);
  // PACKET_MULTICAST also for the broadcast address: the loopback device, which the packet comes from, has another one.
  frame.set('pkt_type', (data[0]! & 1) !== 0 ? 2 : 3);
  return frame;
}

function makeMaps(c: ProgramCase, mem: LinearMemory): KernelMap[] {
  const env: MapEnv = {
    mem,
    cpus: 1,
    currentCpu: () => 0,
    random: () => 4,
    notify() {},
    acquire: () => -EBADF,
    release() {},
  };
  return (c.maps ?? []).map((m) => {
    const map = createMap(
      {
        type: m.type,
        name: m.name ?? '',
        keySize: m.key_size,
        valueSize: m.value_size,
        maxEntries: m.max_entries,
        flags: m.flags,
        extra: 0n,
      },
      env,
    );
    if (typeof map === 'number') throw new Error(`${c.id}: BPF_MAP_CREATE answers ${map}`);
    for (const [key, value] of m.init ?? []) map.writeElem(fromHex(key)!, fromHex(value)!, 0n);
    return map;
  });
}

/** map_lookup_elem, map_update_elem, map_delete_elem. */
function mapHelpers(maps: readonly KernelMap[]): [number, Callable][] {
  const at = (addr: Addr): KernelMap => {
    const map = maps.find((m) => m.addr === addr >>> 0);
    if (map === undefined) throw new Error(`there is no map at ${addr}`);
    return map;
  };
  const helper = (args: string, ret: Callable['ret'], call: Callable['call']): Callable => ({
    name: 'map',
    args,
    ret,
    call,
  });
  return [
    [abi.BPF_FUNC_map_lookup_elem, helper('ii', 'ptr', (map, key) => at(map!).lookup(key! >>> 0))],
    [
      abi.BPF_FUNC_map_update_elem,
      helper('iiiL', 'int', (map, key, value, flags, high) =>
        high === 0 ? at(map!).update(key! >>> 0, value! >>> 0, flags! >>> 0) : -22,
      ),
    ],
    [abi.BPF_FUNC_map_delete_elem, helper('ii', 'int', (map, key) => at(map!).delete(key! >>> 0))],
  ];
}
