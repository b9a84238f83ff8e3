/**
 * The first program of a process: instructions on standard input; on standard output, as JSON, what each phase took. It
 * uses the built package, as whoever installs it does.
 */
import { readFileSync } from 'node:fs';

const bell = new Int32Array(new SharedArrayBuffer(4));
/** Milliseconds that this thread has had a processor: what a busy machine does not change as much. */
function busy() {
  Atomics.wait(bell, 0, 0, 0.05); // Linux counts up to the last time that the thread waited
  return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6;
}

/** Milliseconds by phase: by the clock, and with a processor. Looking at the clocks belongs to none. */
const phases = {};
let [ms, cpu] = [performance.now(), busy()];
function endOf(phase) {
  const now = performance.now();
  const used = busy();
  phases[phase] = { ms: now - ms, cpu: used - cpu };
  cpu = busy();
  ms = performance.now();
}
busy();
endOf('warming');

const { createKernel } = await import('../../dist/kernel/index.js');
endOf('importing');
const kernel = createKernel({ onVerdict: () => endOf('verifying') }).open();
endOf('kernel');
const insns = new Uint8Array(readFileSync(0));
endOf('reading');
const BPF_PROG_TYPE_SOCKET_FILTER = 1;
const { ret: fd } = await kernel.bpf('PROG_LOAD', { prog_type: BPF_PROG_TYPE_SOCKET_FILTER, insns, license: 'GPL' });
endOf('making');
await kernel.bpf('PROG_TEST_RUN', { prog_fd: fd, data_in: new Uint8Array(64), data_out: 64, repeat: 1 });
endOf('running');
process.stdout.write(JSON.stringify(phases));
