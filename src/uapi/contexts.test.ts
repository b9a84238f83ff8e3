import { expect, test } from 'vitest';
import { CONTEXTS } from './contexts.ts';
import { BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_TRACING, BPF_PROG_TYPE_XDP } from './generated/constants.ts';
import { PROG_TYPES } from './prog-types.ts';

test('a context has its fields where the header puts them, and says which are pointers', () => {
  const xdp = CONTEXTS.get(BPF_PROG_TYPE_XDP)!;
  expect(xdp.name).toBe('xdp_md');
  expect(xdp.size).toBe(24);
  expect(xdp.fields.map((f) => [f.name, f.offset, f.pointer])).toEqual([
    ['data', 0, 'pkt'],
    ['data_end', 4, 'pkt_end'],
    ['data_meta', 8, 'pkt_meta'],
    ['ingress_ifindex', 12, undefined],
    ['rx_queue_index', 16, undefined],
    ['egress_ifindex', 20, undefined],
  ]);
});

test('__sk_buff is 192 bytes and its socket lies at 168', () => {
  const skb = CONTEXTS.get(BPF_PROG_TYPE_SCHED_CLS)!;
  expect(skb.size).toBe(192);
  expect(skb.fields.find((f) => f.name === 'sk')).toEqual({
    name: 'sk',
    offset: 168,
    size: 8,
    pointer: 'sock_common_or_null',
  });
});

test('every program type has a context, except those whose context is no fixed structure', () => {
  for (const row of Object.values(PROG_TYPES)) expect(CONTEXTS.has(row.id)).toBe(row.context !== '');
  expect(CONTEXTS.has(BPF_PROG_TYPE_TRACING)).toBe(false);
});
