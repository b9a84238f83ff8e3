/** bpf(2) on the machine's kernel: a typed command in, a typed answer or a typed error out. */
import { EPERM } from '../base/errno.ts';
import { BpfError, VerifierError } from '../base/errors.ts';
import type { System } from '../native/index.ts';
import { encodeAttr, linkMember, refusal } from '../sys/index.ts';
import { type Attr, COMMANDS, type CommandName, type Result } from '../uapi/commands.ts';

export function bpfCall<C extends CommandName>(system: System, command: C, attr: Attr<C>): Result<C> {
  const request = command === 'OBJ_GET_INFO_BY_FD' ? (attr as Attr<'OBJ_GET_INFO_BY_FD'>).info : undefined;
  if (request?.of !== 'link' || request.want === undefined) return once(system, command, attr);
  // Which texts and arrays a link has depends on its type: ask that first.
  const { info } = once(system, 'OBJ_GET_INFO_BY_FD', { ...attr, info: { of: 'link' } });
  return once(system, command, attr, info.of === 'link' ? linkMember(info) : undefined);
}

function once<C extends CommandName>(system: System, command: C, attr: Attr<C>, member?: string): Result<C> {
  // Every buffer whose address the kernel gets stays reachable until the answer is read.
  const held: Uint8Array[] = [];
  const addressOf = (bytes: Uint8Array): number => {
    held.push(bytes);
    return system.addressOf(bytes);
  };
  const encoded = encodeAttr(command, attr, { addressOf }, member);
  const ret = system.call('bpf', COMMANDS[command].id, addressOf(encoded.bytes), encoded.bytes.length);
  const answer = encoded.answer(ret);
  held.length = 0;
  if (ret < 0) throw refused(command, ret, answer);
  return answer;
}

function refused(command: CommandName, errno: number, answer: Readonly<Record<string, unknown>>): Error {
  const error = refusal(command, errno, answer);
  if (-errno !== EPERM || error instanceof VerifierError || process.getuid?.() === 0) return error;
  return new BpfError(
    `BPF_${command}`,
    errno,
    'it takes root, or CAP_BPF with CAP_PERFMON (tracing) or CAP_NET_ADMIN (networking); ' +
      'sysctl kernel.unprivileged_bpf_disabled decides what others may do',
    { answer },
  );
}
