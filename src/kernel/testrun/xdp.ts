/** Test-run of XDP programs. A packet's first bytes may be metadata: `ctx_in.data` says how many. */
import { view } from '../../base/bytes.ts';
import { EINVAL, ENODEV, ENOMEM } from '../../base/errno.ts';
import { UnsupportedError } from '../../base/errors.ts';
import { BPF_F_TEST_XDP_LIVE_FRAMES } from '../../uapi/flags.ts';
import {
  BPF_FUNC_tail_call,
  BPF_FUNC_xdp_adjust_head,
  BPF_FUNC_xdp_adjust_meta,
  BPF_FUNC_xdp_adjust_tail,
  BPF_XDP_CPUMAP,
  BPF_XDP_DEVMAP,
} from '../../uapi/generated/constants.ts';
import { LAYOUTS } from '../../uapi/generated/layouts.ts';
import { HEADROOM, TAILROOM, XdpFrame } from '../hooks/frame.ts';
import type { LoadedProg } from '../objects/prog.ts';
import { contextIn, dataIn, finish, repeated, type TestRun } from './input-output.ts';

const { size: CONTEXT_SIZE, fields: CONTEXT } = LAYOUTS.xdp_md;
const MIN_PACKET = 14;
const PAGE = 4096;
/** Bytes of a packet that lie in one piece; what is longer is out of the program's reach, in fragments. */
const MAX_LINEAR = PAGE - HEADROOM - TAILROOM;
/** MAX_SKB_FRAGS pages of fragments. */
const MAX_PACKET = MAX_LINEAR + 17 * PAGE;
const MAX_METADATA = 255;
/** The device that a packet came in on where the caller names none. */
const LOOPBACK = 1;

export const testXdp: TestRun = (client, prog, attr) => {
  // Those run at the entries of maps, and nowhere else.
  if (prog.attachType === BPF_XDP_DEVMAP || prog.attachType === BPF_XDP_CPUMAP) return -EINVAL;
  const flags = attr.flags ?? 0;
  if ((flags & BPF_F_TEST_XDP_LIVE_FRAMES) !== 0) {
    throw new UnsupportedError('test-run with live frames', { since: '5.18' });
  }
  if (flags !== 0 || attr.batch_size) return -EINVAL;
  const data = dataIn(attr, MIN_PACKET, MAX_PACKET);
  if (typeof data === 'number') return data;
  const ctx = contextIn(attr, CONTEXT_SIZE);
  if (typeof ctx === 'number') return ctx;
  const given = ctx && readContext(ctx);
  if (given && (given.dataMeta !== 0 || given.egress !== 0)) return -EINVAL;
  const metadata = given?.data ?? 0;
  if (given && (given.dataEnd > data.length || metadata > given.dataEnd)) return -EINVAL;
  if (metadata % 4 !== 0 || metadata > MAX_METADATA) return -EINVAL;
  if (given && given.ifindex === 0 && given.queue !== 0) return -EINVAL;
  const { core } = client;
  if (given && given.ifindex !== 0 && core.world.devices.get(given.ifindex) === undefined) return -ENODEV;
  if (given && given.queue !== 0) return -EINVAL; // every device here has one queue

  const linear = Math.min(data.length, MAX_LINEAR, given?.dataEnd ?? data.length);
  const fragments = data.subarray(linear);
  const frame = XdpFrame.make(core.mem, data.subarray(0, linear));
  if (frame === null) return -ENOMEM;
  frame.dataMeta = frame.data;
  frame.data += metadata;
  const { dataMeta, data: begin, dataEnd } = frame;
  const moves = mayMovePacket(prog);
  const scope = { task: client.task, packet: frame };
  try {
    const once = () => {
      // Each run gets the packet where it was, with what the last one wrote in it.
      frame.dataMeta = dataMeta;
      frame.data = begin;
      frame.dataEnd = dataEnd;
      frame.describe(given?.ifindex || LOOPBACK, 0);
      return core.execution.start(prog, frame.ctx, scope);
    };
    const run = repeated(client, attr.repeat, (times) => {
      if (!moves) return times === 1 ? once() : core.execution.start(prog, frame.ctx, scope, times);
      let retval = 0;
      for (let i = 0; i < times; i++) retval = once();
      return retval;
    });
    const size = frame.dataEnd - frame.dataMeta;
    const out = new Uint8Array(size + fragments.length);
    out.set(core.mem.bytes(frame.dataMeta, size));
    out.set(fragments, size);
    if (ctx) {
      view(ctx).setUint32(CONTEXT.data.offset, frame.data - frame.dataMeta, true);
      view(ctx).setUint32(CONTEXT.data_end.offset, size, true);
    }
    return finish(attr, run, out, ctx);
  } finally {
    frame.free();
  }
};

/** Helpers after which a packet begins or ends elsewhere, or of which nobody knows what they lead to. */
const MOVERS: ReadonlySet<number> = new Set([
  BPF_FUNC_xdp_adjust_head,
  BPF_FUNC_xdp_adjust_meta,
  BPF_FUNC_xdp_adjust_tail,
  BPF_FUNC_tail_call,
]);

/** Whether a run may leave the packet so that the next one has to get it back where it was. */
function mayMovePacket({ facts: { text } }: LoadedProg): boolean {
  return text.calls(MOVERS);
}

function readContext(ctx: Uint8Array) {
  const u32 = (field: keyof typeof CONTEXT) => view(ctx).getUint32(CONTEXT[field].offset, true);
  return {
    data: u32('data'),
    dataEnd: u32('data_end'),
    dataMeta: u32('data_meta'),
    ifindex: u32('ingress_ifindex'),
    queue: u32('rx_queue_index'),
    egress: u32('egress_ifindex'),
  };
}
