/**
 * A rtnetlink(7) socket: asks and waits for the answer, which the kernel has ready when the question was sent. What it
 * refuses comes with its own words where it has some (extended acknowledgements, Linux 4.12).
 */
import { cString, view } from '../../base/bytes.ts';
import { EPERM } from '../../base/errno.ts';
import { BpfError } from '../../base/errors.ts';
import type { System } from '../../native/index.ts';
import { decodeAttrs, decodeMessages, encodeMessage, type Message } from './message.ts';

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_ROUTE = 0;
const SOL_NETLINK = 270;
/** Errors repeat the header of the question only, and carry attributes. */
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_ECHO = 8;
const NLMSGERR_ATTR_MSG = 1;
/** A dump during which something changed: it may lack or repeat things. */
const NLM_F_DUMP_INTR = 0x10;
const DUMPS = 5;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
/** The kernel answers at once; what does not come by then would never come. */
const PATIENCE_SECONDS = 5n;
/** error:32 and the header of the question. */
const ERROR_SIZE = 20;
/** The kernel fills dumps into datagrams of at most this size. */
const DATAGRAM = 1 << 16;

export class Rtnetlink {
  private readonly system: System;
  private readonly fd: number;
  private readonly buffer = new Uint8Array(DATAGRAM);
  private seq = 0;

  constructor(system: System) {
    this.system = system;
    this.fd = system.call('socket', AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE);
    if (this.fd < 0) throw new BpfError('socket', this.fd, 'a netlink socket');
    // Older kernels have neither option: then there are no words, and errors are told all the same.
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK]) this.set(SOL_NETLINK, option, Uint32Array.of(1));
    this.set(SOL_SOCKET, SO_RCVTIMEO, BigUint64Array.of(PATIENCE_SECONDS, 0n));
  }

  private set(level: number, option: number, value: Uint32Array | BigUint64Array): void {
    const bytes = new Uint8Array(value.buffer);
    this.system.call('setsockopt', this.fd, level, option, this.system.addressOf(bytes), bytes.length);
  }

  /** Does something; answers what the kernel sent before the acknowledgement. `what` is for the error. */
  request(what: string, type: number, flags: number, body: readonly Uint8Array[]): Message[] {
    return this.ask(what, type, flags | NLM_F_REQUEST | NLM_F_ACK, body);
  }

  /** Every message of a dump. */
  dump(what: string, type: number, body: readonly Uint8Array[]): Message[] {
    for (let n = 1; ; n++) {
      const messages = this.ask(what, type, NLM_F_REQUEST | NLM_F_DUMP, body);
      if (n === DUMPS || !messages.some((message) => message.flags & NLM_F_DUMP_INTR)) return messages;
    }
  }

  close(): void {
    this.system.call('close', this.fd);
  }

  private ask(what: string, type: number, flags: number, body: readonly Uint8Array[]): Message[] {
    const seq = ++this.seq;
    const question = encodeMessage(type, flags, seq, body);
    const sent = this.system.call('sendto', this.fd, this.system.addressOf(question), question.length, 0, 0, 0);
    if (sent < 0) throw new BpfError(what, sent);
    const answers: Message[] = [];
    for (;;) {
      const size = this.system.call('recvfrom', this.fd, this.system.addressOf(this.buffer), DATAGRAM, 0, 0, 0);
      if (size < 0) throw new BpfError(what, size);
      for (const message of decodeMessages(this.buffer.slice(0, size))) {
        if (message.seq !== seq) continue;
        if (message.type === NLMSG_DONE) return answers;
        if (message.type === NLMSG_ERROR) {
          check(what, message);
          return answers;
        }
        answers.push(message);
      }
    }
  }
}

/** The error of an acknowledgement, if it is one. */
function check(what: string, { body }: Message): void {
  const errno = body.length >= 4 ? view(body).getInt32(0, true) : 0;
  if (errno === 0) return;
  const words = decodeAttrs(body, ERROR_SIZE).get(NLMSGERR_ATTR_MSG);
  if (-errno === EPERM) throw new BpfError(what, errno, 'it takes CAP_NET_ADMIN in this network namespace');
  throw new BpfError(what, errno, words === undefined ? undefined : cString(words));
}
