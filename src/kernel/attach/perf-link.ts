/** A link over a perf event: tracepoint, kprobe, sampling. The event lives as long as the link. */
import { EINVAL } from '../../base/errno.ts';
import { BPF_LINK_TYPE_PERF_EVENT } from '../../uapi/generated/constants.ts';
import type { LinkInfo } from '../../uapi/infos.ts';
import type { Client } from '../client.ts';
import { Kprobe } from '../hooks/kprobe.ts';
import { Link } from '../objects/link.ts';
import type { PerfEvent } from '../objects/perf-event.ts';
import type { LoadedProg } from '../objects/prog.ts';
import { mayAttach } from '../perf-events.ts';

export function linkPerfEvent(
  client: Client,
  prog: LoadedProg,
  eventFd: number,
  cookie: bigint,
  flags: number,
): number {
  if (flags !== 0) return -EINVAL;
  const event = client.object('perf_event', eventFd);
  if (typeof event === 'number') return event;
  const error = mayAttach(event, prog);
  if (error !== 0) return error;
  event.hold();
  const link = new Link(
    client.core.links,
    {
      type: BPF_LINK_TYPE_PERF_EVENT,
      detachable: false,
      updatable: false,
      detach: () => {
        event.detach();
        event.drop();
      },
      describe: () => describe(event, cookie),
      fdInfo: () => fdInfo(event, cookie),
    },
    (linkId) => {
      event.attach(prog, cookie, linkId);
      return { prog: prog.hold(), cookie, linkId };
    },
  );
  return client.fds.install(link);
}

function describe({ spec, hook }: PerfEvent, cookie: bigint): Partial<LinkInfo> {
  switch (spec.kind) {
    case 'tracepoint':
      return { perf_event: { type: 'tracepoint', tp_name: spec.name, cookie } };
    case 'kprobe':
    case 'kretprobe': {
      const addr = hook instanceof Kprobe ? hook.address : 0n;
      const where = { func_name: spec.symbol, offset: 0, addr, missed: 0n };
      return { perf_event: { type: spec.kind, ...where, cookie } };
    }
    case 'event':
      return { perf_event: { type: 'event', event_type: spec.type, config: spec.config, cookie } };
    default:
      return {};
  }
}

function fdInfo({ spec }: PerfEvent, cookie: bigint): Record<string, string> {
  switch (spec.kind) {
    case 'tracepoint':
      return { tp_name: spec.name, cookie: String(cookie) };
    case 'kprobe':
    case 'kretprobe':
      return { name: spec.symbol, offset: '0x0', missed: '0', type: spec.kind, cookie: String(cookie) };
    case 'event':
      return { type: String(spec.type), config: String(spec.config), event_type: 'event', cookie: String(cookie) };
    default:
      return {};
  }
}
