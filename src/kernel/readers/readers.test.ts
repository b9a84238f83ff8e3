import { expect, it } from 'vitest';
import { acceptAll } from '../../../test/support/accept-all.ts';
import { assemble, encode } from '../../isa/index.ts';
import { Bpf } from '../../sys/index.ts';
import { createKernel } from '../index.ts';

const RINGBUF = 27;
const PERF_EVENT_ARRAY = 4;
const RAW_TRACEPOINT = 17;

function scene() {
  const clock = { monotonic: () => 1_234_567_890_000n, boot: () => 0n, tai: () => 0n };
  const kernel = createKernel({ verify: acceptAll, cpus: 2, clock });
  const bpf = new Bpf(kernel.open({ pid: 1234, comm: 'bash' }));
  return {
    kernel,
    bpf,
    async run(text: string, more = {}): Promise<number> {
      const insns = encode(assemble(text));
      return bpf.withFd(
        bpf.progLoad({ prog_type: RAW_TRACEPOINT, insns, license: 'GPL' }).then(({ fd }) => fd),
        async (prog_fd) => (await bpf.testRun({ prog_fd, ...more })).retval,
      );
    },
  };
}

/** Sends the 8 bytes of a number into a ring buffer. */
const toRing = (fd: number, value: number) => `
  *(u64 *)(r10 - 8) = ${value}
  r1 = map[fd:${fd}]
  r2 = r10
  r2 += -8
  r3 = 8
  r4 = 0
  call 130
  exit`;

it('records of a ring buffer come in order, and a read waits for them', async () => {
  const { bpf, run } = scene();
  const ring = await bpf.mapCreate({ map_type: RINGBUF, max_entries: 4096 });
  const reader = await bpf.kernel.openRingBuffer(ring);
  await expect(bpf.kernel.openRingBuffer(ring)).rejects.toMatchObject({ code: 'EBUSY' });
  const waiting = reader.read();
  await run(toRing(ring, 7));
  expect(await waiting).toMatchObject([{ data: Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0) }]);
  for (const value of [1, 2, 3]) await run(toRing(ring, value));
  const records = await reader.read();
  expect(records.map((record) => 'data' in record && record.data[0])).toEqual([1, 2, 3]);
  const last = reader.read();
  await reader.close();
  expect(await last).toEqual([]);
  expect(await reader.read()).toEqual([]);
});

it('perf records say their CPU, and how many found no room', async () => {
  const { bpf, run } = scene();
  const array = await bpf.mapCreate({ map_type: PERF_EVENT_ARRAY, key_size: 4, value_size: 4, max_entries: 2 });
  const send = `
    r6 = r1
    *(u64 *)(r10 - 8) = 5
    r1 = r6
    r2 = map[fd:${array}]
    r3 = 0xffffffff ll
    r4 = r10
    r4 += -8
    r5 = 8
    call 25
    exit`;
  expect((await run(send)) | 0).toBe(-2); // ENOENT: nobody reads
  const reader = await bpf.kernel.openPerfBuffer(array, { pagesPerCpu: 1 });
  await run(send, { cpu: 1, flags: 1 });
  expect(await reader.read()).toMatchObject([{ data: Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0), cpu: 1 }]);
  let refused = 0;
  for (let i = 0; i < 200; i++) if ((await run(send)) !== 0) refused++;
  const records = await reader.read();
  expect(refused).toBeGreaterThan(0);
  expect(records.at(-1)).toEqual({ lost: refused, cpu: 0 });
  expect(records).toHaveLength(200 - refused + 1);
  await reader.close();
  expect((await run(send)) | 0).toBe(-2);
});

it('a line of the trace pipe looks as tracefs prints it', async () => {
  const { bpf, run } = scene();
  const pipe = await bpf.kernel.openTracePipe();
  const hi = 'r1 = 0x0a696948 ll\n*(u64 *)(r10 - 8) = r1\nr1 = r10\nr1 += -8\nr2 = 4\ncall 6\nr0 = 0\nexit';
  await run(hi.replace('0x0a696948', '0x006948')); // "Hi"
  expect(await pipe.read()).toEqual(['            bash-1234    [000] ...21  1234.567890: bpf_trace_printk: Hi']);
  const other = await bpf.kernel.openTracePipe();
  const late = pipe.read();
  const first = other.read();
  await run(hi.replace('0x0a696948', '0x006948'));
  expect(await first).toHaveLength(1); // who came last is served first
  const waits = other.read();
  await pipe.close();
  expect(await late).toEqual([]);
  await other.close();
  expect(await waits).toEqual([]);
});

it('a pipe that is opened from now on has no older lines', async () => {
  const { bpf, run } = scene();
  const print = 'r1 = 0x6948 ll\n*(u64 *)(r10 - 8) = r1\nr1 = r10\nr1 += -8\nr2 = 3\ncall 6\nr0 = 0\nexit';
  await run(print);
  const pipe = await bpf.kernel.openTracePipe({ fromNow: true });
  await run(print);
  expect(await pipe.read()).toHaveLength(1);
  await pipe.close();
});

it('lines that nobody reads give way to newer ones, and their number is told', async () => {
  const { bpf, run } = scene();
  const text =
    'r1 = 0x6948 ll\n*(u64 *)(r10 - 8) = r1\nr6 = 0\nr1 = r10\nr1 += -8\nr2 = 3\ncall 6\nr6 += 1\nif r6 < 20000 goto -6\nr0 = 0\nexit';
  await run(text);
  const pipe = await bpf.kernel.openTracePipe();
  const lines = await pipe.read();
  expect(lines[0]).toMatch(/^CPU:0 \[LOST 3616 EVENTS\]$/);
  expect(lines).toHaveLength(16384 + 1);
});
