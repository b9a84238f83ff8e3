/** Asks the machine's kernel for what takes capabilities, and prints what was in the way: run as an ordinary user. */
import { openLinuxKernel } from '../../src/linux/index.ts';
import * as C from '../../src/uapi/generated/constants.ts';

const kernel = await openLinuxKernel();
const insns = new Uint8Array([0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
const load = (prog_type: number) => kernel.bpf('PROG_LOAD', { prog_type, insns, license: 'GPL' });
const event = { kind: 'event', type: C.PERF_TYPE_SOFTWARE, config: BigInt(C.PERF_COUNT_SW_CPU_CLOCK) } as const;
const asked: Record<string, () => Promise<unknown>> = {
  xdp: () => load(C.BPF_PROG_TYPE_XDP),
  kprobe: () => load(C.BPF_PROG_TYPE_KPROBE),
  hash: () => kernel.bpf('MAP_CREATE', { map_type: C.BPF_MAP_TYPE_HASH, key_size: 4, value_size: 4, max_entries: 1 }),
  ids: () => kernel.bpf('PROG_GET_NEXT_ID', { start_id: 0 }),
  attachXdp: () => kernel.net.attachXdp(1, 0),
  packets: () => kernel.sockets.openPacket(),
  tracepoint: () => kernel.perfEventOpen({ kind: 'tracepoint', category: 'syscalls', name: 'sys_enter_openat' }),
  event: () => kernel.perfEventOpen({ ...event, cpu: 0 }),
};
const said: Record<string, string> = {};
for (const [name, ask] of Object.entries(asked)) {
  said[name] = await ask().then(
    () => 'it works',
    (error: unknown) => (error as Error).message,
  );
}
await kernel.close();
console.log(JSON.stringify(said));
