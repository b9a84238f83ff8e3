/**
 * The listening end of a seccomp filter: takes notifications and lets every call go on (SECCOMP_IOCTL_NOTIF_*,
 * seccomp_unotify(2)).
 *
 * Notifications are received into memory that outlives this process: should it be killed between receiving and
 * answering, whoever else holds the listener reads there which call still waits (see launcher.ts).
 */
import { closeSync } from 'node:fs';
import { EINTR } from '../../base/errno.ts';
import type { Arena, Libc } from './libc.ts';
import {
  NOTIF,
  RESP,
  SECCOMP_IOCTL_NOTIF_ID_VALID,
  SECCOMP_IOCTL_NOTIF_RECV,
  SECCOMP_IOCTL_NOTIF_SEND,
  SECCOMP_USER_NOTIF_FLAG_CONTINUE,
} from './seccomp.ts';

const POLLIN = 1;
const POLLFD_SIZE = 8;
/** After this many calls, or this long, the event loop gets its turn. */
const BATCH = 256;
const BATCH_MS = 5;

/** Called for a stopped thread. The argument registers are good until it returns. */
export type NotificationHandler = (tid: number, nr: number, args: BigUint64Array, ip: bigint) => void;

export class Listener {
  private fd: number;
  private readonly libc: Libc;
  private readonly request: Arena;
  private readonly reply: Arena;
  private readonly pollAt: number;
  private readonly args: BigUint64Array;
  private current = 0;
  private stop: () => void = () => undefined;
  private onEnd: () => void = () => undefined;

  /** `shared` is the file of at least a page that notifications are received into. */
  constructor(libc: Libc, fd: number, shared: number) {
    this.libc = libc;
    this.fd = fd;
    this.request = libc.arena(4096, shared);
    this.reply = libc.arena(4096);
    this.reply.take(RESP.size);
    this.pollAt = this.reply.take(POLLFD_SIZE);
    this.reply.view.setInt32(this.pollAt, fd, true);
    this.reply.view.setInt16(this.pollAt + 4, POLLIN, true);
    this.reply.view.setUint32(RESP.flags, SECCOMP_USER_NOTIF_FLAG_CONTINUE, true);
    this.args = new BigUint64Array(this.request.bytes.buffer, NOTIF.args, 6);
  }

  /** Shows every call to `dispatcher` while its thread stands still, from the event loop; `onEnd`: nobody is left. */
  watch(dispatcher: { enter: NotificationHandler }, onEnd: () => void = () => undefined): void {
    this.onEnd = onEnd;
    this.stop = this.libc.onReadable(this.fd, () => this.drain((...call) => dispatcher.enter(...call)));
  }

  close(): void {
    this.stop();
    if (this.fd >= 0) closeSync(this.fd);
    this.fd = -1;
  }

  /** Whether it is this thread's call that is being handled, and the thread still waits in it. */
  stillWaits(tid: number): boolean {
    return (
      tid === this.current && this.libc.ioctl(this.fd, SECCOMP_IOCTL_NOTIF_ID_VALID, this.request.at(NOTIF.id)) === 0
    );
  }

  /** Lets the call go on that was received last, possibly by a process that is no more. */
  letGoOn(): void {
    if (this.fd < 0) return; // closed by the handler: whoever holds the listener now answers
    this.reply.view.setBigUint64(RESP.id, this.request.view.getBigUint64(NOTIF.id, true), true);
    let r: number;
    do r = this.libc.ioctl(this.fd, SECCOMP_IOCTL_NOTIF_SEND, this.reply.at(0));
    while (r === -EINTR); // any other refusal means that the thread was killed while it waited
  }

  /** Handles the calls that wait now. Every one goes on afterwards, even where `handle` throws. */
  private drain(handle: NotificationHandler): void {
    const until = performance.now() + BATCH_MS;
    for (let i = 0; i < BATCH && this.isReady(); i++) {
      if (!this.receive()) continue;
      const { view } = this.request;
      this.current = view.getUint32(NOTIF.pid, true);
      try {
        handle(this.current, view.getInt32(NOTIF.nr, true), this.args, view.getBigUint64(NOTIF.ip, true));
      } catch (e) {
        process.nextTick(() => {
          throw e; // a mistake of the handler's is not the traced program's fault
        });
      } finally {
        this.current = 0;
        this.letGoOn();
      }
      if (performance.now() > until) return;
    }
  }

  private isReady(): boolean {
    if (this.fd < 0 || this.libc.poll(this.reply.at(this.pollAt), 1, 0) !== 1) return false;
    const events = this.reply.view.getInt16(this.pollAt + 6, true);
    if ((events & POLLIN) !== 0) return true;
    this.stop(); // hung up: no thread has the filter any more
    this.onEnd();
    return false;
  }

  /** False where the thread died in between. */
  private receive(): boolean {
    this.request.bytes.fill(0, 0, NOTIF.size); // the kernel wants it zeroed
    return this.libc.ioctl(this.fd, SECCOMP_IOCTL_NOTIF_RECV, this.request.at(0)) >= 0;
  }
}
