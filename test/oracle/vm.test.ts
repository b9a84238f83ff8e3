/** The engine against the machine's kernel: the same random programs give the same answers. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ENOSPC } from '../../src/base/errno.ts';
import { tameProgram } from '../property/vm-programs.ts';
import { MachineBpf } from '../support/machine-bpf.ts';
import { describeKernel } from '../support/real-kernel.ts';
import { runBytes } from '../support/run-code.ts';

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
});
