/** Test-run of XDP programs. A packet's first bytes may be metadata: `ctx_in.data` says how many. */
import { view } from '../../base/bytes.ts';
import { EINVAL, ENODEV, ENOMEM } from '../../base/errno.ts';
import { UnsupportedError } from '../../base/errors.ts';
import { BPF_F_TEST_XDP_LIVE_FRAMES } from '../../uapi/flags.ts';
import { LAYOUTS } from '../../uapi/generated/layouts.ts';
import { HEADROOM, TAILROOM, XdpFrame } from '../hooks/frame.ts';
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
  try {
    const run = repeated(client, attr.repeat, () => {
      // Each run gets the packet where it was, with what the last one wrote in it.
      frame.dataMeta = dataMeta;
      frame.data = begin;
      frame.dataEnd = dataEnd;
      frame.describe(given?.ifindex || LOOPBACK, 0);
      return core.execution.start(prog, frame.ctx, { task: client.task, packet: frame });
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
