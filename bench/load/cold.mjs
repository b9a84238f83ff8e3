/**
 * The first program of a process: instructions on standard input, milliseconds as JSON on standard output. It uses the
 * built package, as whoever installs it does.
 */
import { readFileSync } from 'node:fs';

/** Milliseconds that this thread has had a processor: what a busy machine does not change as much. */
const busy = () => Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6;

const started = performance.now();
const { createKernel } = await import('../../dist/kernel/index.js');
const imported = performance.now();
const insns = new Uint8Array(readFileSync(0));
const kernel = createKernel().open();
const [began, busyBefore] = [performance.now(), busy()];
const BPF_PROG_TYPE_SOCKET_FILTER = 1;
const { ret: fd } = await kernel.bpf('PROG_LOAD', { prog_type: BPF_PROG_TYPE_SOCKET_FILTER, insns, license: 'GPL' });
await kernel.bpf('PROG_TEST_RUN', { prog_fd: fd, data_in: new Uint8Array(64), data_out: 64, repeat: 1 });
const first = performance.now() - began;
process.stdout.write(JSON.stringify({ importing: imported - started, first, cpu: busy() - busyBefore }));
