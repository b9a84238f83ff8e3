/**
 * What progs/holder.c of ../shared/bpftool does, over the client: makes a link of every kind that the kernel has, holds
 * them so that `link`, `perf` and `prog` have something to show, says what it made, and waits for stdin to end.
 *
 *     holder OBJECTS DEVICE CGROUP        SKEP_DIST: the build; SKEP_KERNEL: embedded or linux
 *
 * It runs as a copy of Node's own program named `holder`, so that its uprobes have that file to sit in.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [objects, device, cgroup] = process.argv.slice(1);
const dist = process.env.SKEP_DIST;
const from = (layer) => import(join(dist, layer, 'index.js'));
const { loadCollection } = await from('client');

const kernel = await openKernel();
const embedded = process.env.SKEP_KERNEL === 'embedded';
const self = '/proc/self/exe';
/** A function of Node's that has a symbol. */
const TARGET = '_ZN4node5StartEiPPc';

const xdp = await load('p_xdp');
await hold('xdp', xdp, 'p_xdp_count', { device });
const tc = await load('p_globals');
await hold('tcx', tc, 'p_tcx_in', { device });
const trace = await load('p_trace');
// The embedded kernel has the tracepoints that its sources fire.
await hold(
  'tracepoint',
  trace,
  'p_tp_oom',
  embedded ? { event: { kind: 'tracepoint', category: 'syscalls', name: 'sys_enter_openat' } } : {},
);
if (embedded) await openRawTracepoint('sys_enter');
else await hold('raw_tp', trace, 'p_rawtp');
const readFile = async (path) => new Uint8Array(readFileSync(path));
const uprobe = { path: self, symbol: TARGET, pid: process.pid };
await hold('uprobe', trace, 'p_uprobe', { uprobe, readFile });
await hold('uretprobe', trace, 'p_uretprobe', { uprobe, readFile });
const multi = await load('p_umulti');
await hold('uprobe_multi', multi, 'p_umulti', { uprobe: { ...uprobe, path: process.execPath }, readFile });
await hold('perf_event', trace, 'p_perfev', {
  event: { kind: 'event', type: 1, config: 0n, sampleFreq: 49, pid: process.pid },
});
const groups = await load('p_cgroup');
await hold('cgroup', groups, 'p_cg_out', { cgroup });
await hold('cgroup2', groups, 'p_cg_conn4', { cgroup });
const misc = await load('p_misc');
await hold('netns', misc, 'p_flowdis');
await hold('netns2', misc, 'p_sklookup');
await hold('netfilter', misc, 'p_nf', { netfilter: { family: 2, hook: 1, priority: -128 } });
await hold('iter', await load('p_iter'), 'p_it_map');
const maps = await load('p_maps');
await hold('sockmap', maps, 'p_msg_verdict', { map: maps?.maps.p_sockmap });

console.log('ready');
process.stdin.resume();
await new Promise((resolve) => process.stdin.on('end', resolve));
await kernel.close();

async function openKernel() {
  if (process.env.SKEP_KERNEL === 'linux') return (await from('linux')).openLinuxKernel();
  const { connectKernel, userSocket } = await from('remote');
  return connectKernel(userSocket());
}

async function openRawTracepoint(name) {
  const { fd } = trace.program('p_rawtp');
  await kernel.bpf('RAW_TRACEPOINT_OPEN', { name, prog_fd: fd });
  console.log(`${'raw_tp'.padEnd(14)} ok`);
}

async function load(name) {
  try {
    return await loadCollection(kernel, new Uint8Array(readFileSync(join(objects, `${name}.bpf.o`))), { name });
  } catch (error) {
    console.log(`load ${name}: ${error.message}`);
    return undefined;
  }
}

async function hold(what, collection, program, options = {}) {
  try {
    if (!collection) throw new Error('not loaded');
    await collection.program(program).attach(options);
    console.log(`${what.padEnd(14)} ok`);
  } catch (error) {
    console.log(`${what.padEnd(14)} ${error.message}`);
  }
}
