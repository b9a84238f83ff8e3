/**
 * bpftool prog attach PROG TYPE [MAP], prog detach PROG TYPE [MAP]: socket programs at a sock map, and the flow dissector
 * of the network namespace.
 */
import { EINVAL } from '../../base/errno.ts';
import { BpfError } from '../../base/errors.ts';
import { ATTACH_TYPES } from '../../uapi/attach-types.ts';
import { type Args, isPrefix } from '../args.ts';
import { command, type Verb } from '../command.ts';
import type { Context } from '../context.ts';
import { fail } from '../failure.ts';
import { takeMap, takeProg } from '../handles.ts';

const STATUS = 256 - EINVAL;

const TYPES = [
  'sk_msg_verdict',
  'sk_skb_verdict',
  'sk_skb_stream_verdict',
  'sk_skb_stream_parser',
  'flow_dissector',
] as const;

/** What the types were called before; these may be shortened. */
const OLD_NAMES: Readonly<Record<string, (typeof TYPES)[number]>> = {
  msg_verdict: 'sk_msg_verdict',
  skb_verdict: 'sk_skb_verdict',
  stream_verdict: 'sk_skb_stream_verdict',
  stream_parser: 'sk_skb_stream_parser',
  flow_dissector: 'flow_dissector',
};

export const attach = attachVerb('PROG_ATTACH', 'failed prog attach to map');
export const detach = attachVerb('PROG_DETACH', 'failed prog detach from map');

function attachVerb(what: 'PROG_ATTACH' | 'PROG_DETACH', failure: string): Verb {
  return command<void>({
    async run(context, args) {
      args.need(3, STATUS);
      const { fd } = await takeProg(context, args);
      const type = takeType(args);
      const target = type === 'flow_dissector' ? 0 : await takeTarget(context, args);
      const bpf = await context.bpf();
      try {
        await bpf.call(what, { target_fd: target, attach_bpf_fd: fd, attach_type: ATTACH_TYPES[type].id });
      } catch (error) {
        if (!(error instanceof BpfError)) throw error;
        fail(failure, STATUS);
      }
    },
  });
}

function takeType(args: Args): (typeof TYPES)[number] {
  const word = args.next();
  const old = Object.keys(OLD_NAMES).find((name) => isPrefix(word, name));
  const type = TYPES.find((name) => name === word) ?? (old === undefined ? undefined : OLD_NAMES[old]);
  return type ?? fail('invalid attach/detach type', STATUS);
}

async function takeTarget(context: Context, args: Args): Promise<number> {
  args.need(2, STATUS);
  return (await takeMap(context, args)).fd;
}
