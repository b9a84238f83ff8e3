/**
 * Tests of the instruction set on a kernel. A kernel runs no program on bare memory and hands back 32 bits of r0, so the
 * program becomes a function: its caller gives it the memory (a map's value) and its size, and keeps r0 in another map.
 *
 *     r1 = memory    r2 = size    call program    *result = r0
 */
import { concat, view } from '../../base/bytes.ts';
import { Bpf, type Fd } from '../../sys/index.ts';
import { BPF_MAP_TYPE_ARRAY, BPF_PROG_TYPE_SOCKET_FILTER } from '../../uapi/generated/constants.ts';
import type { ConformanceCase } from './case.ts';
import type { CaseHost } from './host.ts';
import { lastMessage } from './log.ts';
import { hex } from './objects.ts';
import { load, testRun } from './program.ts';

export interface ConformanceAnswer {
  id: string;
  accept: boolean;
  errno: number;
  msg: string;
  /** Unsigned. */
  r0?: bigint;
  ms: number;
}

/** Any packet: the program does not see it. */
const PACKET = new Uint8Array(64);
const FIRST_KEY = new Uint8Array(4);

export async function answerConformance(host: CaseHost, c: ConformanceCase): Promise<ConformanceAnswer> {
  const { kernel } = host;
  const bpf = new Bpf(kernel);
  const memory = hex(c.memory);
  const array = (value_size: number) =>
    bpf.mapCreate({ map_type: BPF_MAP_TYPE_ARRAY, key_size: 4, value_size, max_entries: 1 });
  return bpf.withFd(array(8), (result) =>
    bpf.withFd(array(Math.max(memory.length, 1)), async (input) => {
      if (memory.length > 0) await bpf.mapUpdate(input, FIRST_KEY, memory);
      const start = performance.now();
      const insns = concat([caller(input, memory.length, result), hex(c.program)]);
      const attr = { prog_type: BPF_PROG_TYPE_SOCKET_FILTER, insns, license: 'GPL' };
      const { fd, errno, log } = await load(host, attr, 1);
      const ms = Math.round((performance.now() - start) * 100) / 100;
      if (fd < 0) return { id: c.name, accept: false, errno, msg: lastMessage(log), ms };
      return bpf.withFd(fd, async () => {
        const run = await testRun(kernel, fd, PACKET);
        const value = await bpf.mapLookup(result, FIRST_KEY, 8);
        const r0 = run.ret === 0 && value ? { r0: view(value).getBigUint64(0, true) } : {};
        return { id: c.name, accept: true, errno: run.errno, msg: '', ...r0, ms };
      });
    }),
  );
}

/** The program that calls what follows it. */
function caller(input: Fd, size: number, result: Fd): Uint8Array {
  const slots: [code: number, registers: number, imm: number][] = [
    ...mapValue(0x21, input), // r1 = the memory
    [0xb7, 0x02, size], // r2 = its size
    [0x85, 0x10, 5], // call the program
    ...mapValue(0x21, result),
    [0x7b, 0x01, 0], // *(u64 *)(r1 + 0) = r0
    [0xb7, 0x00, 0], // r0 = 0
    [0x95, 0x00, 0], // exit
  ];
  const bytes = new Uint8Array(slots.length * 8);
  for (const [i, [code, registers, imm]] of slots.entries()) {
    bytes[8 * i] = code;
    bytes[8 * i + 1] = registers;
    view(bytes).setInt32(8 * i + 4, imm, true);
  }
  return bytes;
}

/** ld_imm64 of the address of a map's first value; `registers` has BPF_PSEUDO_MAP_VALUE as its source. */
function mapValue(registers: number, map: Fd): [number, number, number][] {
  return [
    [0x18, registers, map],
    [0, 0, 0],
  ];
}
