/**
 * bpf_snprintf of this machine: a format, arguments, and what the kernel makes of them.
 *
 * Each call loads a program of its own, because the format has to be a constant in a frozen map.
 */
import { view } from '../../src/base/bytes.ts';
import { assembleProgram, call, exit, loadImm, loadMapValue, moveReg, storeReg } from './insns.ts';
import type { MachineBpf } from './machine-bpf.ts';

const SNPRINTF = 165;
const SOCKET_FILTER = 1;
const RDONLY_PROG = 128;
const DATA_SIZE = 4096;

/** A number, or bytes that the argument is to point to; text gets a zero at its end. */
export type FormatArg = bigint | string | Uint8Array;

export class BpfFormatOracle {
  readonly #machine: MachineBpf;
  constructor(machine: MachineBpf) {
    this.#machine = machine;
  }

  /** What the helper answers and left in `size` bytes; or the verifier's last words where it refuses the format. */
  snprintf(format: string, args: readonly FormatArg[], size: number): { ret: bigint; bytes: Uint8Array } | string {
    const machine = this.#machine;
    const fmt = latin1(`${format}\0`);
    const key = new Uint8Array(4);
    const fmtMap = machine.create({ type: 2, keySize: 4, valueSize: fmt.length, maxEntries: 1, flags: RDONLY_PROG });
    const data = machine.create({ type: 2, keySize: 4, valueSize: DATA_SIZE, maxEntries: 1 });
    const out = machine.create({ type: 2, keySize: 4, valueSize: 8 + size, maxEntries: 1 });
    try {
      machine.update(fmtMap, key, fmt);
      machine.freeze(fmtMap);
      const bytes = new Uint8Array(DATA_SIZE);
      let end = 0;
      const setup = args.flatMap((arg, i) => {
        const slot = -8 * (args.length - i);
        if (typeof arg === 'bigint') return [loadImm(1, arg), storeReg(10, slot, 1)];
        const at = end;
        const content = typeof arg === 'string' ? latin1(`${arg}\0`) : arg;
        bytes.set(content, at);
        end += content.length;
        return [loadMapValue(1, data, at), storeReg(10, slot, 1)];
      });
      machine.update(data, key, bytes);
      const insns = assembleProgram([
        ...setup,
        loadMapValue(1, out, 8),
        loadImm(2, BigInt(size)),
        loadMapValue(3, fmtMap, 0),
        args.length === 0 ? loadImm(4, 0n) : moveReg(4, 10, -8 * args.length),
        loadImm(5, BigInt(8 * args.length)),
        call(SNPRINTF),
        loadMapValue(1, out, 0),
        storeReg(1, 0, 0),
        loadImm(0, 0n),
        exit(),
      ]);
      const program = machine.load(SOCKET_FILTER, insns);
      if (program.fd < 0) return `${program.fd}: ${program.log.split('\n').at(-3) ?? ''}`;
      machine.run(program.fd, new Uint8Array(64));
      machine.closeFd(program.fd);
      const result = machine.lookup(out, key, 8 + size);
      if (typeof result === 'number') return `lookup ${result}`;
      return { ret: view(result).getBigInt64(0, true), bytes: result.slice(8) };
    } finally {
      for (const fd of [fmtMap, data, out]) machine.closeFd(fd);
    }
  }
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}
