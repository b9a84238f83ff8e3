/** `skep run --pcap`: the packets of a capture through the attached programs, and what the maps hold afterwards. */
import { UnsupportedError, UsageError } from '../../base/errors.ts';
import type { BpfMap, Collection } from '../../client/index.ts';
import type { Hook, PacketHook } from '../../kernel/index.ts';
import { BPF_MAP_TYPE_PERF_EVENT_ARRAY, BPF_MAP_TYPE_RINGBUF } from '../../uapi/generated/constants.ts';
import type { Host } from '../host.ts';
import { cannotRead } from './input.ts';
import { valueText } from './records.ts';

const PACKET_KINDS: ReadonlySet<string> = new Set(['xdp', 'tcx', 'cgroup_skb']);

export async function replay(host: Host, collection: Collection, path: string): Promise<number> {
  if (!host.embedded) {
    throw new UnsupportedError('replaying a capture on the Linux kernel', { hint: 'use the embedded kernel' });
  }
  const { replayCapture } = await import('../../sources/index.ts');
  const hooks = host.embedded.hooks.attached().filter(takesPackets);
  if (hooks.length === 0) {
    throw new UsageError('no program of the object takes packets: --pcap is for xdp, tc and cgroup_skb programs');
  }
  for (const hook of hooks) {
    const summary = await replayCapture(hook, path).catch((error: unknown) => cannotRead(path, error));
    const verdicts = Object.entries(summary.verdicts).map(([name, count]) => `${name} ${count}`);
    process.stdout.write(
      `${hook.kind} ${hook.name}: ${summary.packets} packets, ${summary.bytes} bytes: ${verdicts.join(', ') || 'none'}` +
        `${summary.rewritten > 0 ? `; ${summary.rewritten} rewritten` : ''}\n`,
    );
  }
  for (const map of Object.values(collection.maps)) await showMap(map);
  return 0;
}

function takesPackets(hook: Hook): hook is PacketHook {
  return PACKET_KINDS.has(hook.kind);
}

/** The entries that are not all zero: an array has as many as it has room for. */
async function showMap(map: BpfMap): Promise<void> {
  if (map.shape.type === BPF_MAP_TYPE_RINGBUF || map.shape.type === BPF_MAP_TYPE_PERF_EVENT_ARRAY) return;
  if (map.name.includes('.')) return; // data sections
  let shown = false;
  for await (const [key, value] of map.entries()) {
    if (value.every((byte) => byte === 0)) continue;
    if (!shown) process.stdout.write(`${map.name}:\n`);
    shown = true;
    process.stdout.write(`  ${valueText(map.decodeKey(key))}: ${valueText(map.decodeValue(value))}\n`);
  }
}
