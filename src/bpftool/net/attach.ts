/** bpftool net attach TYPE PROG dev NAME [overwrite | prepend], net detach TYPE dev NAME: XDP, and tcx without a link. */
import { EINVAL } from '../../base/errno.ts';
import { BpfError } from '../../base/errors.ts';
import type { XdpMode } from '../../sys/index.ts';
import { BPF_F_BEFORE } from '../../uapi/flags.ts';
import { BPF_TCX_EGRESS, BPF_TCX_INGRESS } from '../../uapi/generated/constants.ts';
import { type Args, isPrefix } from '../args.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { fail, orFail } from '../failure.ts';
import { takeProg } from '../handles.ts';

const STATUS = 256 - EINVAL;

/** Either a way to run XDP programs (undefined: the best that there is), or a tcx hook. */
type Place = { readonly mode?: XdpMode } | { readonly tcx: number };

const TYPES: Readonly<Record<string, Place>> = {
  xdp: {},
  xdpgeneric: { mode: 'generic' },
  xdpdrv: { mode: 'driver' },
  xdpoffload: { mode: 'offload' },
  tcx_ingress: { tcx: BPF_TCX_INGRESS },
  tcx_egress: { tcx: BPF_TCX_EGRESS },
};

export const attach = command<void>({
  async run(context, args) {
    args.need(5, STATUS);
    const { name, place } = takeType(args);
    const { fd } = await takeProg(context, args);
    const ifindex = await takeDevice(context, args);
    const option = takeOption(args);
    await orFail(`interface ${name} attach failed`, attachAt(context, place, fd, ifindex, option), true);
  },
});

async function attachAt(context: Context, place: Place, fd: number, ifindex: number, option: string | undefined) {
  if ('tcx' in place) {
    const attach_flags = option === 'prepend' ? BPF_F_BEFORE : 0;
    const bpf = await context.bpf();
    return bpf.progAttach({ target_fd: ifindex, attach_type: place.tcx, attach_bpf_fd: fd, attach_flags });
  }
  const { net } = await context.kernel();
  try {
    await net.attachXdp(ifindex, fd, { ...place, replace: option === 'overwrite' });
  } catch (error) {
    // netlink(7) says more than a number; bpftool's library prints it.
    if (error instanceof BpfError && error.detail !== undefined) {
      context.note(`libbpf: Kernel error message: ${error.detail}\n`);
    }
    throw error;
  }
}

export const detach = command<void>({
  async run(context, args) {
    args.need(3, STATUS);
    const { name, place } = takeType(args);
    const ifindex = await takeDevice(context, args);
    await orFail(`interface ${name} detach failed`, detachAt(context, place, ifindex), true);
  },
});

async function detachAt(context: Context, place: Place, ifindex: number) {
  if ('tcx' in place) {
    return (await context.bpf()).progDetach({ target_fd: ifindex, attach_type: place.tcx });
  }
  return (await context.kernel()).net.detachXdp(ifindex, place);
}

function takeType(args: Args): { name: string; place: Place } {
  const word = args.next();
  const name = Object.keys(TYPES).find((type) => isPrefix(word, type));
  if (name === undefined) fail(`invalid net attach/detach type: ${word}`, STATUS);
  return { name, place: TYPES[name]! };
}

/** The index behind `dev NAME`. */
export async function takeDevice(context: Context, args: Args, status = STATUS): Promise<number> {
  if (!args.take('dev')) fail(`expected 'dev', got: '${args.peek() ?? '(null)'}'?`, status);
  const name = args.next();
  const devices = await (await context.kernel()).netDevices();
  const device = devices.find((one) => one.name === name);
  return device ? device.ifindex : fail(`invalid devname ${name}`, status);
}

function takeOption(args: Args): 'overwrite' | 'prepend' | undefined {
  if (args.left === 0) return undefined;
  for (const option of ['overwrite', 'prepend'] as const) if (args.take(option)) return option;
  fail(`expected 'overwrite' or 'prepend', got: '${args.peek()}'?`, STATUS);
}
