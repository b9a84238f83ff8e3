/** What clients without all capabilities may do: each answer is that of Linux 6.18 to a process with the same. */
import { expect, it } from 'vitest';
import { assemble, encode } from '../isa/index.ts';
import type { Capability } from '../uapi/capabilities.ts';
import {
  BPF_MAP_TYPE_DEVMAP,
  BPF_MAP_TYPE_HASH,
  BPF_PROG_TYPE_CGROUP_SKB,
  BPF_PROG_TYPE_SOCKET_FILTER,
  BPF_PROG_TYPE_TRACEPOINT,
  BPF_PROG_TYPE_XDP,
} from '../uapi/generated/constants.ts';
import { createKernel } from './index.ts';

const insns = encode(assemble('r0 = 0\nexit'));

async function answers(...capabilities: Capability[]): Promise<Record<string, string>> {
  const kernel = createKernel().open({ uid: 1000, capabilities });
  const load = (prog_type: number) => kernel.bpf('PROG_LOAD', { prog_type, insns, license: 'GPL' });
  const create = (map_type: number) =>
    kernel.bpf('MAP_CREATE', { map_type, key_size: 4, value_size: 4, max_entries: 1 });
  const asked: Record<string, () => Promise<unknown>> = {
    hash: () => create(BPF_MAP_TYPE_HASH),
    devmap: () => create(BPF_MAP_TYPE_DEVMAP),
    socketFilter: () => load(BPF_PROG_TYPE_SOCKET_FILTER),
    cgroupSkb: () => load(BPF_PROG_TYPE_CGROUP_SKB),
    xdp: () => load(BPF_PROG_TYPE_XDP),
    tracepoint: () => load(BPF_PROG_TYPE_TRACEPOINT),
    ids: () => kernel.bpf('PROG_GET_FD_BY_ID', { prog_id: 12345 }),
  };
  const said: Record<string, string> = {};
  for (const [name, ask] of Object.entries(asked)) {
    said[name] = await ask().then(
      () => 'ok',
      (error: { code: string }) => error.code,
    );
  }
  await kernel.close();
  return said;
}

const NOTHING = {
  hash: 'EPERM',
  devmap: 'EPERM',
  socketFilter: 'EPERM',
  cgroupSkb: 'EPERM',
  xdp: 'EPERM',
  tracepoint: 'EPERM',
  ids: 'EPERM',
};
const PLAIN = { ...NOTHING, hash: 'ok', socketFilter: 'ok', cgroupSkb: 'ok' };

it.each<{ held: Capability[]; may: Record<string, string> }>([
  { held: [], may: NOTHING },
  { held: ['CAP_NET_ADMIN'], may: NOTHING },
  { held: ['CAP_BPF'], may: PLAIN },
  { held: ['CAP_BPF', 'CAP_NET_ADMIN'], may: { ...PLAIN, devmap: 'ok', xdp: 'ok' } },
  { held: ['CAP_BPF', 'CAP_PERFMON'], may: { ...PLAIN, tracepoint: 'ok' } },
  {
    held: ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN'],
    may: { ...PLAIN, devmap: 'ok', xdp: 'ok', tracepoint: 'ok', ids: 'ENOENT' },
  },
])('with $held', async ({ held, may }) => {
  expect(await answers(...held)).toEqual(may);
});

it('a client may do everything unless it is said', async () => {
  const kernel = createKernel().open();
  await expect(kernel.bpf('PROG_GET_FD_BY_ID', { prog_id: 12345 })).rejects.toMatchObject({ code: 'ENOENT' });
});
