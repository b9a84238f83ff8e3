/**
 * One call of a helper on this machine, from a program that is run on a packet: what it answers, what it leaves in the
 * packet and in the buffers it was given.
 */
import { view } from '../../src/base/bytes.ts';
import { assembleProgram, call, exit, loadImm, loadMapValue, moveReg, storeReg } from './insns.ts';
import type { MachineBpf } from './machine-bpf.ts';

/** The context, a number, or a buffer with these bytes in it. */
export type HelperArg = 'ctx' | bigint | Uint8Array;

export interface HelperAnswer {
  ret: bigint;
  packet: Uint8Array;
  /** The buffers after the call, in the order of the arguments. */
  buffers: Uint8Array[];
}

export class HelperOracle {
  readonly #machine: MachineBpf;
  constructor(machine: MachineBpf) {
    this.#machine = machine;
  }

  /** Calls helper `id`; text says why it could not. */
  call(progType: number, id: number, args: readonly HelperArg[], packet: Uint8Array): HelperAnswer | string {
    const machine = this.#machine;
    const key = new Uint8Array(4);
    const buffers = args.filter((arg) => arg instanceof Uint8Array);
    const maps = buffers.map((bytes) => this.#buffer(bytes));
    const out = this.#buffer(new Uint8Array(8));
    let next = 0;
    const setup = args.map((arg, i) => {
      if (arg === 'ctx') return moveReg(i + 1, 6);
      if (typeof arg === 'bigint') return loadImm(i + 1, arg);
      return loadMapValue(i + 1, maps[next++]!, 0);
    });
    const insns = assembleProgram([
      moveReg(6, 1),
      ...setup,
      call(id),
      loadMapValue(1, out, 0),
      storeReg(1, 0, 0),
      loadImm(0, 2n),
      exit(),
    ]);
    try {
      const program = machine.load(progType, insns);
      if (program.fd < 0) return `${program.fd}: ${program.log}`;
      const run = machine.run(program.fd, packet, packet.length + 4096);
      machine.closeFd(program.fd);
      if (run.errno !== 0) return `run ${run.errno}`;
      const ret = machine.lookup(out, key, 8) as Uint8Array;
      return {
        ret: view(ret).getBigInt64(0, true),
        packet: run.data,
        buffers: maps.map((fd, i) => machine.lookup(fd, key, buffers[i]!.length) as Uint8Array),
      };
    } finally {
      for (const fd of [...maps, out]) machine.closeFd(fd);
    }
  }

  #buffer(bytes: Uint8Array): number {
    const valueSize = Math.max(bytes.length, 1);
    const fd = this.#machine.create({ type: 2, keySize: 4, valueSize, maxEntries: 1 });
    if (bytes.length > 0) this.#machine.update(fd, new Uint8Array(4), bytes);
    return fd;
  }
}
