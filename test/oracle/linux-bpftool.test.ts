/** What the Linux backend says of objects and interfaces, beside what bpftool says of the same. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openLinuxKernel } from '../../src/linux/index.ts';
import { Bpf, type Kernel } from '../../src/sys/index.ts';
import * as C from '../../src/uapi/generated/constants.ts';
import { progTypeName } from '../../src/uapi/prog-types.ts';
import { load } from '../support/linux-bpf.ts';
import { enterNamespaces } from '../support/own-namespaces.ts';
import { bpfWorks, describeKernel } from '../support/real-kernel.ts';

const hasBpftool = bpfWorks && spawnSync('bpftool', ['version']).status === 0;

interface Shown {
  [field: string]: unknown;
}

function bpftool(...words: string[]): Shown[] {
  const { stdout } = spawnSync('bpftool', ['-j', ...words], { encoding: 'utf8' });
  const shown = JSON.parse(stdout) as Shown | Shown[];
  return Array.isArray(shown) ? shown : [shown];
}

describeKernel('the same as bpftool', () => {
  let leave: () => void;
  let kernel: Kernel;
  let bpf: Bpf;
  let veth: number;

  beforeAll(async () => {
    leave = enterNamespaces('net');
    spawnSync('ip', ['link', 'add', 'one', 'type', 'veth', 'peer', 'name', 'two']);
    kernel = await openLinuxKernel();
    bpf = new Bpf(kernel);
    veth = (await kernel.netDevices()).find((d) => d.name === 'one')!.ifindex;
  });
  afterAll(async () => {
    await kernel.close();
    leave();
  });

  it.runIf(hasBpftool)('programs and maps', async () => {
    const map = await bpf.mapCreate({
      map_type: C.BPF_MAP_TYPE_LPM_TRIE,
      key_size: 8,
      value_size: 12,
      max_entries: 7,
      map_flags: C.BPF_F_NO_PREALLOC,
      map_name: 'routes',
    });
    const prog = await load(
      kernel,
      C.BPF_PROG_TYPE_XDP,
      'r1 = map[m]; r0 = 2; exit',
      { prog_name: 'drops' },
      { m: map },
    );
    const info = await bpf.progInfo(prog);
    expect(bpftool('prog', 'show', 'id', String(info.id))).toMatchObject([
      {
        id: info.id,
        type: progTypeName(info.type),
        name: info.name,
        tag: Buffer.from(info.tag).toString('hex'),
        gpl_compatible: info.gpl_compatible,
        uid: info.created_by_uid,
        bytes_xlated: info.xlated_prog_len,
        bytes_jited: info.jited_prog_len,
        map_ids: info.map_ids,
        bytes_memlock: Number((await kernel.fdInfo(prog))['memlock']),
      },
    ]);
    const { id } = await bpf.mapInfo(map);
    expect(bpftool('map', 'show', 'id', String(id))).toMatchObject([
      { id, type: 'lpm_trie', name: 'routes', flags: 1, bytes_key: 8, bytes_value: 12, max_entries: 7, frozen: 0 },
    ]);
  });

  it.runIf(hasBpftool)('links', async () => {
    const prog = await load(kernel, C.BPF_PROG_TYPE_RAW_TRACEPOINT, 'r0 = 0; exit');
    const raw = await bpf.rawTracepointOpen('bpf_test_finish', prog);
    const netns = await kernel.openNetns();
    const lookup = await load(kernel, C.BPF_PROG_TYPE_SK_LOOKUP, 'r0 = 1; exit', {
      expected_attach_type: C.BPF_SK_LOOKUP,
    });
    const inNetns = await bpf.linkCreate({ prog_fd: lookup, target_fd: netns, attach_type: C.BPF_SK_LOOKUP });
    const [first, second] = [await bpf.linkInfo(raw), await bpf.linkInfo(inNetns)];
    expect(bpftool('link', 'show', 'id', String(first.id))).toMatchObject([
      { id: first.id, type: 'raw_tracepoint', prog_id: first.prog_id, tp_name: first.raw_tracepoint!.tp_name },
    ]);
    expect(bpftool('link', 'show', 'id', String(second.id))).toMatchObject([
      {
        id: second.id,
        type: 'netns',
        prog_id: second.prog_id,
        netns_ino: second.netns!.netns_ino,
        attach_type: 'sk_lookup',
      },
    ]);
  });

  it.runIf(hasBpftool)('programs on interfaces', async () => {
    const xdp = await load(kernel, C.BPF_PROG_TYPE_XDP, 'r0 = 2; exit', { prog_name: 'on_xdp' });
    const tc = await load(kernel, C.BPF_PROG_TYPE_SCHED_CLS, 'r0 = 0; exit', { prog_name: 'on_tc' });
    await kernel.net.attachXdp(veth, xdp, { mode: 'driver' });
    await kernel.net.attachTc(veth, tc, { direction: 'ingress', name: 'in' });
    await kernel.net.attachTc(veth, tc, { direction: 'egress', name: 'out' });
    const found = (await kernel.net.query()).find((i) => i.ifindex === veth)!;
    const ours = {
      xdp: found.xdp.map(({ mode, progId }) => ({ devname: found.name, ifindex: veth, mode, id: progId })),
      tc: found.tc.map((f) => ({
        devname: found.name,
        ifindex: veth,
        kind: `clsact/${f.direction}`,
        name: f.name,
        id: f.progId,
      })),
    };
    expect(bpftool('net', 'show', 'dev', 'one')).toMatchObject([ours]);
  });
});
