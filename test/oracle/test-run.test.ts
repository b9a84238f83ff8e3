/** BPF_PROG_TEST_RUN on both kernels: the same program and input must give the same answer, packet and context. */
import { expect, it } from 'vitest';
import { concat, toHex } from '../../src/base/bytes.ts';
import { assemble, encode } from '../../src/isa/index.ts';
import { createKernel } from '../../src/kernel/index.ts';
import { openLinuxKernel } from '../../src/linux/index.ts';
import { Bpf, type Kernel } from '../../src/sys/index.ts';
import type { Attr } from '../../src/uapi/commands.ts';
import { acceptAll } from '../support/accept-all.ts';
import { describeKernel } from '../support/real-kernel.ts';

const SOCKET_FILTER = 1;
const SCHED_CLS = 3;
const XDP = 6;
const RAW_TRACEPOINT = 17;

type Case = readonly [title: string, type: number, text: string, input: Omit<Attr<'PROG_TEST_RUN'>, 'prog_fd'>];

/** An IPv4 packet to a multicast address, numbered bytes after the header. */
const packet = concat([
  Uint8Array.from([0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 1, 2, 3, 4, 5, 6, 8, 0, 0x45]),
  Uint8Array.from({ length: 49 }, (_, i) => i),
]);
const broadcast = concat([new Uint8Array(6).fill(0xff), packet.subarray(6)]);
const xdpContext = (data: number, dataEnd: number, ifindex = 0) =>
  new Uint8Array(Uint32Array.from([data, dataEnd, 0, ifindex, 0, 0]).buffer);
const skbContext = (fields: Record<number, number>) => {
  const words = new Uint32Array(48);
  for (const [at, value] of Object.entries(fields)) words[Number(at) / 4] = value;
  return new Uint8Array(words.buffer);
};
const field = (off: number) => `r0 = *(u32 *)(r1 + ${off})\nexit`;
const adjust = (helper: number, by: number) => `r2 = ${by}\ncall ${helper}\nexit`;
const LENGTH = 'r2 = *(u32 *)(r1 + 0)\nr0 = *(u32 *)(r1 + 4)\nr0 -= r2\nexit';

const both = { data_in: packet, data_out: 256 };
const cases: readonly Case[] = [
  ['r0 comes back', XDP, 'r0 = 2\nexit', both],
  ['a negative r0 comes back unsigned', XDP, 'r0 = -1\nexit', both],
  ['the length of an XDP packet', XDP, LENGTH, both],
  ['the context of an XDP program without one', XDP, 'r0 = 0\nexit', { ...both, ctx_out: 24 }],
  ['a context of zeros leaves nothing in reach', XDP, LENGTH, { ...both, ctx_in: new Uint8Array(24), ctx_out: 24 }],
  ['metadata', XDP, LENGTH, { ...both, ctx_in: xdpContext(4, 64), ctx_out: 24 }],
  ['the device that nobody named', XDP, field(12), both],
  ['the device', XDP, field(12), { ...both, ctx_in: xdpContext(0, 64, 1), ctx_out: 24 }],
  ...[-8, 8].map(
    (by): Case => [`head ${by}`, XDP, adjust(44, by), { ...both, ctx_in: xdpContext(4, 64), ctx_out: 24 }],
  ),
  ['head -8 without a context', XDP, adjust(44, -8), both],
  ['head beyond the packet', XDP, adjust(44, 60), both],
  ['metadata -8', XDP, adjust(54, -8), { ...both, ctx_in: xdpContext(4, 64), ctx_out: 24 }],
  ['tail -10', XDP, adjust(65, -10), { ...both, ctx_in: xdpContext(0, 64), ctx_out: 24 }],
  ...[400, 3300, 3400, 3456, 3457].map((by): Case => [`tail ${by}`, XDP, adjust(65, by), { ...both, data_out: 4096 }]),
  ['a packet of several pages', XDP, LENGTH, { data_in: new Uint8Array(5000).fill(7), data_out: 5000 }],
  ...[0, 4, 8, 16, 20, 32, 36, 40, 160].flatMap((at): Case[] => [
    [`field ${at} for tc`, SCHED_CLS, field(at), both],
    ...(at === 160 ? [] : [[`field ${at} for a socket filter`, SOCKET_FILTER, field(at), both] as const]),
  ]),
  ...[0, 1, 2, 0xff].map(
    (byte): Case => [
      `the type of a packet to ${byte}, ${byte} …`,
      SCHED_CLS,
      field(4),
      { ...both, data_in: new Uint8Array(60).fill(byte, 0, 6) },
    ],
  ),
  [
    'a broadcast address is a multicast address to the loopback device',
    SCHED_CLS,
    field(4),
    { ...both, data_in: broadcast },
  ],
  ['the context of tc', SCHED_CLS, 'r0 = 0\nexit', { ...both, ctx_out: 192 }],
  ['the context of a socket filter', SOCKET_FILTER, 'r0 = 0\nexit', { ...both, ctx_out: 192 }],
  [
    'fields that may be set',
    SCHED_CLS,
    field(8),
    {
      ...both,
      ctx_in: skbContext({ 8: 7, 32: 3, 36: 1, 48: 5, 64: 6, 152: 9, 160: 100, 164: 2, 176: 4 }),
      ctx_out: 192,
    },
  ],
  [
    'a mark that the program sets',
    SCHED_CLS,
    'r2 = 77\n*(u32 *)(r1 + 8) = r2\nr0 = 0\nexit',
    { ...both, ctx_out: 192 },
  ],
  ['short contexts', SCHED_CLS, field(8), { ...both, ctx_in: skbContext({ 8: 7 }).slice(0, 12), ctx_out: 192 }],
  ['the packet of a socket filter', SOCKET_FILTER, 'r0 = 0\nexit', both],
  [
    'an argument of a raw tracepoint',
    RAW_TRACEPOINT,
    'r0 = *(u64 *)(r1 + 8)\nexit',
    { ctx_in: new Uint8Array(BigUint64Array.from([1n, 42n]).buffer) },
  ],
];

describeKernel('test-run agrees with Linux', () => {
  it.each(cases.map(([title, ...rest]) => [title, rest] as const))('%s', async (_title, [type, text, input]) => {
    const linux = await openLinuxKernel();
    try {
      const said = await run(linux, type, text, input);
      for (const mode of ['jit', 'interpreter'] as const) {
        expect(await run(createKernel({ mode, verify: acceptAll }).open(), type, text, input)).toEqual(said);
      }
    } finally {
      await linux.close();
    }
  });
});

async function run(kernel: Kernel, type: number, text: string, input: Case[3]) {
  const bpf = new Bpf(kernel);
  const insns = encode(assemble(text));
  const { fd } = await bpf.progLoad({ prog_type: type, insns, license: 'GPL' });
  const { retval, data_size_out, ctx_size_out, data_out, ctx_out } = await bpf.testRun({ prog_fd: fd, ...input });
  return { retval, data_size_out, ctx_size_out, data_out: toHex(data_out), ctx_out: toHex(ctx_out) };
}
