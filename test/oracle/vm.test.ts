/** The engine against the machine's kernel: the same random programs give the same answers. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ENOSPC } from '../../src/base/errno.ts';
import { MAP_HEADER_SIZE, PROG_ARRAY_MAX_ENTRIES, PROG_ARRAY_STORAGE } from '../../src/base/map-header.ts';
import { assemble, BPF_PSEUDO_MAP_FD, encode, LD_IMM64 } from '../../src/isa/index.ts';
import * as abi from '../../src/uapi/generated/constants.ts';
import { Engine, LinearMemory } from '../../src/vm/index.ts';
import { tameProgram } from '../property/vm-programs.ts';
import { MachineBpf } from '../support/machine-bpf.ts';
import { describeKernel } from '../support/real-kernel.ts';
import { codeOf, runBytes } from '../support/run-code.ts';

const BPF_PROG_TYPE_SOCKET_FILTER = 1;
const SAMPLE = 300;

describeKernel('random programs', () => {
  let kernel: MachineBpf;
  beforeAll(async () => {
    const opened = await MachineBpf.open();
    if (typeof opened === 'string') throw new Error(opened);
    kernel = opened;
  });
  afterAll(() => kernel.close());

  test('answer on Linux what they answer on interpreter and JIT', () => {
    const refused: string[] = [];
    let ran = 0;
    for (let seed = 1; seed <= SAMPLE; seed++) {
      const program = tameProgram(seed);
      const { fd, log } = kernel.load(BPF_PROG_TYPE_SOCKET_FILTER, program);
      if (fd < 0) {
        if (fd !== -ENOSPC) refused.push(`${seed}: ${log}`);
        continue;
      }
      const { retval } = kernel.run(fd, new Uint8Array(64));
      kernel.closeFd(fd);
      ran++;
      for (const mode of ['interpreter', 'jit'] as const) {
        const { r0 } = runBytes(program, new Uint8Array(64), { mode });
        expect(`seed ${seed}, ${mode}: ${r0}`).toBe(`seed ${seed}, ${mode}: ${retval >>> 0}`);
      }
    }
    // ENOSPC where the log of a program is longer than the buffer; nothing else is refused.
    expect(refused).toEqual([]);
    expect(ran).toBeGreaterThan(SAMPLE * 0.7);
  });

  test('a program that tail-calls itself is stopped where Linux stops it', () => {
    const array = kernel.create({ type: abi.BPF_MAP_TYPE_PROG_ARRAY, keySize: 4, valueSize: 4, maxEntries: 1 });
    const { fd, log } = kernel.load(BPF_PROG_TYPE_SOCKET_FILTER, tailCaller(array, BPF_PSEUDO_MAP_FD));
    expect(log).toMatch(/^(processed .*\n)?$/);
    kernel.update(array, new Uint8Array(4), new Uint8Array(Uint32Array.of(fd).buffer));
    const { retval } = kernel.run(fd, new Uint8Array(64));
    for (const mode of ['interpreter', 'jit'] as const) {
      const mem = new LinearMemory();
      const engine = new Engine(mem, { helpers: new Map() });
      const map = mem.alloc(MAP_HEADER_SIZE);
      const slots = mem.alloc(4);
      mem.setU32(map + PROG_ARRAY_MAX_ENTRIES, 1);
      mem.setU32(map + PROG_ARRAY_STORAGE, slots);
      const program = engine.load(codeOf(tailCaller(map, 0)), { mode });
      mem.setU32(slots, program.slot);
      expect(program.run(mem.alloc(192))).toBe(retval);
    }
  });
});

/** Counts in cb[0] how often the program begins, and answers it. */
const TAIL_CALL_LOOP = `
  r6 = r1
  r2 = *(u32 *)(r6 +48)
  r2 += 1
  *(u32 *)(r6 +48) = r2
  r2 = 0 ll
  r3 = 0
  call tail_call
  r0 = *(u32 *)(r6 +48)
  exit`;

/** That program, with the map in the place of its 64-bit immediate. */
function tailCaller(map: number, pseudo: number): Uint8Array {
  const insns = assemble(TAIL_CALL_LOOP);
  const slot = insns.code.indexOf(LD_IMM64);
  insns.src[slot] = pseudo;
  insns.imm[slot] = map;
  return encode(insns);
}
