/** Structures of functions on the machine's kernel: congestion controls that only sockets of an own namespace choose. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { enterNamespaces } from '../../test/support/own-namespaces.ts';
import { describeKernel } from '../../test/support/real-kernel.ts';
import { UnsupportedError } from '../base/errors.ts';
import { BtfBuilder, parseBtf } from '../btf/index.ts';
import { openLinuxKernel } from '../linux/index.ts';
import { type CollectionSpec, parseObject } from '../object/index.ts';
import type { Kernel } from '../sys/index.ts';
import { type BpfLink, type Collection, loadCollection } from './index.ts';
import { kernelStruct, structOpsTarget, structOpsValue } from './struct-ops.ts';

const object = () =>
  new Uint8Array(readFileSync(fileURLToPath(new URL('../../test/fixtures/linux/congestion.bpf.o', import.meta.url))));

/** Types of a kernel whose structure has the members in another order, and some of its own. */
function kernelTypes(members: readonly (readonly [name: string, kind: 'u32' | 'pointer' | 'name'])[]) {
  const b = new BtfBuilder();
  const u32 = b.int('unsigned int', 4);
  const types = { u32, pointer: b.ptr(0), name: b.array(b.int('char', 1, 'signed'), 16, u32) };
  const sizes = { u32: 4, pointer: 8, name: 16 };
  let at = 0;
  const laidOut = members.map(([name, kind]) => {
    at = Math.ceil(at / Math.min(sizes[kind], 8)) * Math.min(sizes[kind], 8);
    const member = [name, types[kind], at] as const;
    at += sizes[kind];
    return member;
  });
  const size = Math.ceil(at / 8) * 8;
  const ops = b.struct('tcp_congestion_ops', size, laidOut);
  b.struct('bpf_struct_ops_tcp_congestion_ops', 64 + size, [['data', ops, 64]]);
  return parseBtf(b.build());
}

describe('a structure of functions', () => {
  const spec: CollectionSpec = parseObject(object());
  const map = spec.maps.get('linked')!;
  const all = [
    ['init', 'pointer'],
    ['name', 'name'],
    ['undo_cwnd', 'pointer'],
    ['flags', 'u32'],
    ['cong_avoid', 'pointer'],
    ['ssthresh', 'pointer'],
  ] as const;
  const fds = new Map([...spec.programs.keys()].map((name, i) => [name, 100 + i]));

  it('is laid out as the running kernel has it', () => {
    const value = new DataView(structOpsValue(spec, kernelTypes(all), map, (name) => fds.get(name)).buffer);
    const at = (offset: number) => value.getUint32(64 + offset, true);
    expect(at(32)).toBe(1); // the flags
    expect([at(0), at(24), at(40), at(48)]).toEqual(
      ['begin', 'undo', 'avoid', 'threshold'].map((name) => fds.get(name)),
    );
    expect(new TextDecoder().decode(value.buffer.slice(64 + 8, 64 + 19))).toBe('skep_linked');
    expect(structOpsTarget(spec, kernelTypes(all), 'avoid')).toMatchObject({ member: 4 });
  });

  it('that the kernel does not have so is refused by name', () => {
    const without = kernelTypes(all.filter(([name]) => name !== 'init'));
    expect(() => structOpsValue(spec, without, map, () => 3)).toThrow(/'init' in 'linked'.*no such member/);
    expect(() => structOpsTarget(spec, without, 'begin')).toThrow(/'init' of 'struct tcp_congestion_ops'/);
    const other = kernelTypes(all.map(([name, kind]) => [name, name === 'name' ? 'u32' : kind]));
    expect(() => structOpsValue(spec, other, map, () => 3)).toThrow(/another size/);
    expect(() => kernelStruct(parseBtf(new BtfBuilder().build()), map.structOps!)).toThrow(UnsupportedError);
    expect(() => structOpsTarget(spec, kernelTypes(all), 'nobody')).toThrow(/nothing would call it/);
  });
});

describeKernel('structures of functions', () => {
  let kernel: Kernel;
  let leave: () => void;
  let collection: Collection;
  let link: BpfLink | undefined;
  beforeAll(() => {
    leave = enterNamespaces('net');
    spawnSync('ip', ['link', 'set', 'lo', 'up']);
  });
  afterAll(() => leave());
  beforeEach(async () => {
    kernel = await openLinuxKernel();
    collection = await loadCollection(kernel, object(), { name: 'congestion' });
  });
  afterEach(async () => {
    // One without a link would stay for good.
    await link?.close();
    link = undefined;
    await collection.close();
    await kernel.close();
  });

  const available = () => readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'utf8').trim().split(' ');
  /** The control that new connections of the namespace have. */
  const choose = (name: string) => writeFileSync('/proc/sys/net/ipv4/tcp_congestion_control', name);
  const begun = async () => (await collection.map('congesti.bss').get(0)) as { begun: bigint };
  async function connectOnce(): Promise<void> {
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.resume();
    await once(client, 'close');
    server.close();
  }

  it.each(['linked', 'written'] as const)('are attached, chosen, run, and detached: %s', async (name) => {
    const before = available();
    link = await collection.map(name).attach();
    expect(available()).toEqual(expect.arrayContaining([...before, `skep_${name}`]));
    choose(`skep_${name}`);
    await connectOnce();
    choose(before[0]!);
    const { begun: runs } = await begun();
    expect(runs).toBeGreaterThanOrEqual(1n);
    await connectOnce();
    expect(await begun()).toEqual({ begun: runs });
    await link.close();
    await expect.poll(available).not.toContain(`skep_${name}`);
  });

  it('have a link where the section asks for one', async () => {
    link = await collection.map('linked').attach();
    expect((await link.info()).struct_ops).toEqual({ map_id: (await collection.map('linked').info()).id });
    await link.close();
    link = await collection.map('written').attach();
    await expect(link.info()).rejects.toThrow(UnsupportedError);
    await expect(collection.map('congesti.bss').attach()).rejects.toThrow(/'congesti.bss', a map of type array/);
  });
});
