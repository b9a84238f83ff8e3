/**
 * A unix stream socket between the processes of one trace. Messages are JSON lines; one of them may carry a
 * descriptor (SCM_RIGHTS), which works under every ptrace policy, unlike pidfd_getfd(2).
 *
 * Sending blocks until the other side has room: messages are short and the other side always reads.
 */
import { EAGAIN, EINTR, errnoName } from '../../base/errno.ts';
import { SkepError } from '../../base/errors.ts';
import type { Arena, Libc } from './libc.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const POLLOUT = 4;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;

/** struct msghdr (56 bytes), its one iovec (16), a control message with one descriptor (24), a struct pollfd, then the data. */
const AT = { msg: 0, iovec: 64, control: 80, poll: 112, data: 128 } as const;
const CONTROL_SIZE = 24;
const CHUNK = 16384;
/** A message longer than this comes from no process of ours. */
const MAX_MESSAGE = 16 << 20;

/** Both ends of a new socket: `stream` for a Channel, `packets` where message boundaries are wanted. */
export function socketPair(libc: Libc, kind: 'stream' | 'packets'): [number, number] {
  const arena = libc.arena(4096);
  const r = libc.socketpair(AF_UNIX, (kind === 'stream' ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC, 0, arena.at(0));
  if (r < 0) throw new SkepError(errnoName(r), `cannot make a socket for the trace (${errnoName(r)})`);
  return [arena.view.getInt32(0, true), arena.view.getInt32(4, true)];
}

export class Channel<Incoming, Outgoing> {
  readonly fd: number;
  private readonly libc: Libc;
  private readonly arena: Arena;
  private pending = Buffer.alloc(0);
  private received: number | undefined;

  constructor(libc: Libc, fd: number) {
    this.libc = libc;
    this.fd = fd;
    this.arena = libc.arena(AT.data + CHUNK);
  }

  /** False where the other side is gone. */
  send(message: Outgoing, descriptor?: number): boolean {
    const line = Buffer.from(JSON.stringify(message) + '\n');
    let carried = descriptor;
    for (let at = 0; at < line.length; ) {
      const part = line.subarray(at, at + CHUNK);
      this.arena.bytes.set(part, AT.data);
      this.header(part.length, carried);
      const r = this.libc.sendmsg(this.fd, this.arena.at(AT.msg), MSG_NOSIGNAL);
      if (r === -EINTR) continue;
      if (r === -EAGAIN) {
        this.waitForRoom(); // watching a descriptor has made it non-blocking
        continue;
      }
      if (r <= 0) return false;
      carried = undefined;
      at += r;
    }
    return true;
  }

  /** What has arrived; null once the other side is gone and everything was read. Does not wait. */
  receive(): Incoming[] | null {
    let ended = false;
    for (;;) {
      this.header(CHUNK, -1);
      const r = this.libc.recvmsg(this.fd, this.arena.at(AT.msg), MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
      if (r === -EINTR) continue;
      if (r === -EAGAIN) break;
      if (r <= 0) {
        ended = true;
        break;
      }
      if (this.arena.view.getBigUint64(AT.msg + 40, true) >= 20n) {
        this.received = this.arena.view.getInt32(AT.control + 16, true);
      }
      this.pending = Buffer.concat([this.pending, this.arena.bytes.subarray(AT.data, AT.data + r)]);
      if (this.pending.length > MAX_MESSAGE) return null;
    }
    const messages = this.lines();
    return ended && messages.length === 0 ? null : messages;
  }

  /** The descriptor that came along, once. */
  takeDescriptor(): number | undefined {
    const fd = this.received;
    this.received = undefined;
    return fd;
  }

  private waitForRoom(): void {
    this.arena.view.setInt32(AT.poll, this.fd, true);
    this.arena.view.setInt16(AT.poll + 4, POLLOUT, true);
    this.libc.poll(this.arena.at(AT.poll), 1, -1);
  }

  private lines(): Incoming[] {
    const out: Incoming[] = [];
    for (let end = this.pending.indexOf(10); end >= 0; end = this.pending.indexOf(10)) {
      out.push(JSON.parse(this.pending.toString('utf8', 0, end)) as Incoming);
      this.pending = this.pending.subarray(end + 1);
    }
    return out;
  }

  /** `descriptor`: one to send, -1 to make room for one, undefined for none. */
  private header(size: number, descriptor: number | undefined): void {
    const { view, arena } = { view: this.arena.view, arena: this.arena };
    arena.bytes.fill(0, 0, AT.data);
    view.setBigUint64(AT.iovec, BigInt(arena.at(AT.data)), true);
    view.setBigUint64(AT.iovec + 8, BigInt(size), true);
    view.setBigUint64(AT.msg + 16, BigInt(arena.at(AT.iovec)), true);
    view.setBigUint64(AT.msg + 24, 1n, true);
    if (descriptor === undefined) return;
    view.setBigUint64(AT.msg + 32, BigInt(arena.at(AT.control)), true);
    view.setBigUint64(AT.msg + 40, BigInt(CONTROL_SIZE), true);
    view.setBigUint64(AT.control, 20n, true);
    view.setInt32(AT.control + 8, SOL_SOCKET, true);
    view.setInt32(AT.control + 12, SCM_RIGHTS, true);
    view.setInt32(AT.control + 16, descriptor, true);
  }
}
