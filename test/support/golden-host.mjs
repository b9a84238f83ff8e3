/**
 * An embedded kernel with the world that the recording of ../shared/bpftool makes with ip(8) and mkdir(1): its network
 * devices, in the order that gives them the same indexes, and its cgroups. Served as the user's own until SIGTERM.
 *
 *     node golden-host.mjs DIST CGROUP
 */
import { join } from 'node:path';

const [dist, cgroup] = process.argv.slice(2);
const { createKernel } = await import(join(dist, 'kernel/index.js'));
const { runUserKernel } = await import(join(dist, 'remote/index.js'));

const MOUNT = '/sys/fs/cgroup';
/** `ip link add pv0 type veth peer name pv1` makes the peer first. */
const DEVICES = ['pv1', 'pv0', 'pv3', 'pv2'];

const kernel = createKernel({ warn: (message) => console.error(message) });
for (const name of DEVICES) kernel.world.devices.add(name);
kernel.world.cgroups.add(`${cgroup.slice(MOUNT.length)}/child`);
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
await runUserKernel(kernel, { signal: stop.signal });
