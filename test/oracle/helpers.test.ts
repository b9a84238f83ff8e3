/**
 * Helpers that work on text, sums and packets: called here and on this machine with the same arguments, they answer the
 * same and leave the same bytes.
 */
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { HELPERS, type HelperName } from '../../src/helpers/index.ts';
import * as abi from '../../src/uapi/generated/constants.ts';
import { HELPERS as FACTS } from '../../src/uapi/helpers.ts';
import { TestHelperEnv } from '../support/helper-env.ts';
import { type HelperAnswer, type HelperArg, HelperOracle } from '../support/helper-oracle.ts';
import { MachineBpf } from '../support/machine-bpf.ts';

const machine = await MachineBpf.open();
const reason = typeof machine === 'string' ? machine : '';
afterAll(() => {
  if (typeof machine !== 'string') machine.close();
});

const XDP_HEADROOM = 256;
const PAGE = 4096;
/** struct skb_shared_info, which ends the page of a packet. */
const SHARED_INFO = 320;
/** Offset of the EtherType in struct __sk_buff. */
const SKB_PROTOCOL = 16;

/** The same call on ours, with the head and tail room that a test run has. */
function ours(progType: number, name: HelperName, args: readonly HelperArg[], bytes: Uint8Array): HelperAnswer {
  const env = new TestHelperEnv();
  const start = env.mem.alloc(PAGE, 8);
  const data = start + XDP_HEADROOM;
  env.mem.write(data, bytes);
  const packet = {
    start,
    end: start + PAGE - SHARED_INFO,
    dataMeta: data,
    data,
    dataEnd: data + bytes.length,
    sync: () => {},
  };
  env.run.progType = progType;
  env.run.packet = packet;
  env.run.ctx = env.mem.alloc(192);
  env.mem.setU32(env.run.ctx + SKB_PROTOCOL, bytes[12]! | (bytes[13]! << 8));
  const letters = letterOfArgs(name);
  const buffers: { addr: number; size: number }[] = [];
  const values = args.map((arg, i) => {
    if (arg === 'ctx') return env.run.ctx;
    if (arg instanceof Uint8Array) {
      const addr = env.put(arg);
      buffers.push({ addr, size: arg.length });
      return addr;
    }
    return letters[i] === 'L' ? arg : Number(BigInt.asIntN(32, arg));
  });
  const ret = env.call(name, ...values);
  return {
    ret,
    // a test run gives back the metadata with the packet
    packet: env.mem.read(packet.dataMeta, packet.dataEnd - packet.dataMeta),
    buffers: buffers.map(({ addr, size }) => env.mem.read(addr, size)),
  };
}

function letterOfArgs(name: HelperName): string {
  return HELPERS[name]?.args ?? '';
}

const u = (min: number, max: number) => fc.integer({ min, max }).map(BigInt);
const packet = fc.uint8Array({ minLength: 64, maxLength: 64 });
const buffer = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
const ctx = fc.constant('ctx' as const);
const flags = (...some: bigint[]) => fc.constantFrom(0n, ...some);
const offset = fc.oneof(u(0, 80), fc.constantFrom(0xffffn, 0x10000n, 0x7fffffffn, 0x80000000n, 0xffffffffn));

/** A packet that begins with an IPv4 or IPv6 header behind Ethernet. */
const ipPacket = fc.tuple(packet, fc.constantFrom(0x0800, 0x86dd)).map(([bytes, proto]) => {
  bytes[12] = proto >> 8;
  bytes[13] = proto & 0xff;
  bytes[14] = proto === 0x0800 ? 0x45 : 0x60;
  return bytes;
});

const number = fc
  .tuple(
    fc.constantFrom('', ' ', '  \t', '\n'),
    fc.constantFrom('', '-', '+', '--'),
    fc.constantFrom('', '0x', '0', '0X', '0xg'),
    fc.oneof(
      fc.string({ maxLength: 20, unit: fc.constantFrom(...'0123456789') }),
      fc.string({ maxLength: 17, unit: fc.constantFrom(...'0123456789abcdefABCDEF') }),
      fc.string({ maxLength: 23, unit: fc.constantFrom(...'01234567') }),
      fc.constantFrom('9223372036854775807', '9223372036854775808', '18446744073709551615', '18446744073709551616'),
      fc.string({ maxLength: 40, unit: fc.constantFrom(...'0019') }),
    ),
    fc.constantFrom('', ' ', 'z', '\0' + '7', '.5'),
  )
  .map((parts) => Uint8Array.from(parts.join('') || ' ', (c) => c.charCodeAt(0)));

/** A buffer that is followed by its size. */
const sized = (bytes: fc.Arbitrary<Uint8Array>) => bytes.map((b): HelperArg[] => [b, BigInt(b.length)]);

interface Row {
  in: number;
  args: fc.Arbitrary<HelperArg[]>;
  packet?: fc.Arbitrary<Uint8Array>;
}
const XDP = abi.BPF_PROG_TYPE_XDP;
const TC = abi.BPF_PROG_TYPE_SCHED_CLS;
const arr = (...parts: fc.Arbitrary<HelperArg>[]): fc.Arbitrary<HelperArg[]> => fc.tuple(...parts);
const words = fc.oneof(
  fc.integer({ min: 1, max: 33 }).chain(buffer),
  fc.constantFrom(new Uint8Array(4), new Uint8Array(4).fill(255)),
);

const ROWS: Partial<Record<HelperName, Row>> = {
  strtol: {
    in: TC,
    args: fc
      .tuple(sized(number), flags(8n, 10n, 16n, 2n, 1n, 32n, 1n << 32n), buffer(8))
      .map(([text, base, to]) => [...text, base, to]),
  },
  strtoul: {
    in: TC,
    args: fc
      .tuple(sized(number), flags(8n, 10n, 16n, 2n, 1n, 32n, 1n << 32n), buffer(8))
      .map(([text, base, to]) => [...text, base, to]),
  },
  csum_diff: {
    in: TC,
    args: fc
      .tuple(
        sized(words),
        sized(words),
        fc.oneof(u(0, 0xffffffff), fc.constant(0n)),
        fc.constantFrom('both', 'from', 'to'),
      )
      .map(([from, to, seed, which]) => [
        ...(which === 'to' ? [0n, 0n] : from),
        ...(which === 'from' ? [0n, 0n] : to),
        seed,
      ]),
  },
  l3_csum_replace: { in: TC, args: arr(ctx, offset, u(0, 0xffffffff), u(0, 0xffffffff), flags(2n, 4n, 1n, 16n, 32n)) },
  l4_csum_replace: {
    in: TC,
    args: arr(ctx, offset, u(0, 0xffff), u(0, 0xffff), flags(2n, 4n, 0x12n, 0x22n, 0x62n, 0x34n, 0x100n, 3n)),
  },
  skb_load_bytes: {
    in: TC,
    args: fc.tuple(offset, buffer(12)).map(([at, to]) => ['ctx', at, to, 12n]),
  },
  skb_load_bytes_relative: {
    in: TC,
    args: fc.tuple(offset, buffer(12), u(0, 1)).map(([at, to, start]) => ['ctx', at, to, 12n, start]),
    packet: ipPacket,
  },
  skb_store_bytes: {
    in: TC,
    args: fc
      .tuple(offset, buffer(12), flags(1n, 2n, 3n, 4n, 1n << 33n))
      .map(([at, from, f]) => ['ctx', at, from, 12n, f]),
  },
  skb_pull_data: { in: TC, args: arr(ctx, u(0, 90)) },
  skb_change_tail: { in: TC, args: arr(ctx, u(0, 300), flags(1n)) },
  skb_change_head: { in: TC, args: arr(ctx, u(0, 100), flags(1n)) },
  skb_adjust_room: {
    in: TC,
    args: arr(ctx, fc.integer({ min: -60, max: 60 }).map(BigInt), u(0, 1), flags(1n, 0x200n)),
    packet: ipPacket,
  },
  skb_change_proto: { in: TC, args: arr(ctx, fc.constantFrom(0x0008n, 0xdd86n, 0x0608n), flags(1n)), packet: ipPacket },
  csum_update: { in: TC, args: arr(ctx, u(0, 0xffff)) },
  csum_level: { in: TC, args: arr(ctx, u(0, 4)) },
  skb_change_type: { in: TC, args: arr(ctx, u(0, 7)) },
  xdp_adjust_head: { in: XDP, args: arr(ctx, fc.integer({ min: -300, max: 80 }).map(BigInt)) },
  xdp_adjust_tail: {
    in: XDP,
    args: arr(ctx, fc.oneof(fc.integer({ min: -80, max: 300 }), fc.integer({ min: 3440, max: 3480 })).map(BigInt)),
  },
  xdp_adjust_meta: { in: XDP, args: arr(ctx, fc.integer({ min: -300, max: 20 }).map(BigInt)) },
  xdp_get_buff_len: { in: XDP, args: arr(ctx) },
  xdp_load_bytes: { in: XDP, args: fc.tuple(offset, buffer(12)).map(([at, to]) => ['ctx', at, to, 12n]) },
  xdp_store_bytes: { in: XDP, args: fc.tuple(offset, buffer(12)).map(([at, from]) => ['ctx', at, from, 12n]) },
  skb_get_tunnel_key: { in: TC, args: buffer(28).map((to) => ['ctx', to, 28n, 0n]) },
  skb_get_tunnel_opt: { in: TC, args: buffer(8).map((to) => ['ctx', to, 8n]) },
  skb_cgroup_id: { in: TC, args: arr(ctx) },
  get_socket_uid: { in: TC, args: arr(ctx) },
  get_numa_node_id: { in: TC, args: fc.constant([]) },
  fib_lookup: {
    in: TC,
    args: fc
      .tuple(fc.constantFrom(0, 1, 3, 7), fc.constantFrom(60n, 64n), flags(1n << 6n))
      .map(([family, size, f]) => ['ctx', new Uint8Array(Number(size)).fill(family, 0, 1), size, f]),
  },
  probe_read_kernel: {
    in: TC,
    args: fc
      .tuple(
        buffer(8),
        fc.constantFrom(0n, 5n, 1n << 46n, 1n << 47n, 1n << 56n, 1n << 62n, 1n << 63n, 0xffff_8000_0000_0000n),
      )
      .map(([to, from]) => [to, 8n, from]),
  },
  probe_read_kernel_str: {
    in: TC,
    args: fc
      .tuple(
        buffer(8),
        fc.constantFrom(0n, 5n, 1n << 46n, 1n << 47n, 1n << 56n, 1n << 62n, 1n << 63n, 0xffff_8000_0000_0000n),
      )
      .map(([to, from]) => [to, 8n, from]),
  },
  probe_read_user: {
    in: TC,
    args: fc.tuple(buffer(8), fc.constantFrom(0n, 5n, 1n << 62n)).map(([to, from]) => [to, 8n, from]),
  },
  redirect_neigh: {
    in: TC,
    args: fc.tuple(u(0, 3), flags(1n)).map(([ifindex, f]) => [ifindex, 0n, 0n, f]),
  },
  redirect: { in: TC, args: arr(u(0, 9), flags(1n, 2n, 1n << 32n)) },
  redirect_peer: { in: TC, args: arr(u(0, 9), flags(1n)) },
};

describe.skipIf(reason !== '')(`helpers as on this machine${reason && `: ${reason}`}`, () => {
  test.each(Object.entries(ROWS))('%s answers and leaves the same', (name, row) => {
    if (typeof machine === 'string') return;
    const oracle = new HelperOracle(machine);
    const { id } = FACTS[name as HelperName];
    fc.assert(
      fc.property(row.args, row.packet ?? packet, (args, bytes) => {
        const theirs = oracle.call(row.in, id, args, bytes);
        expect(ours(row.in, name as HelperName, args, bytes)).toEqual(theirs);
      }),
      { numRuns: 60, seed: 11 },
    );
  });
});
