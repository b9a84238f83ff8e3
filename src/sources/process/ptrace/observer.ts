/**
 * skep's end of tracing by ptrace(2). The tracer has to block in wait(2), so it is a process of its own (tracer.ts);
 * here its stops arrive one by one.
 */
import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { EAGAIN, EINTR, errnoName } from '../../../base/errno.ts';
import { UnsupportedError } from '../../../base/errors.ts';
import { socketPair } from '../channel.ts';
import type { Dispatcher } from '../dispatch.ts';
import { spawnScript } from '../launch.ts';
import type { Arena, Libc } from '../libc.ts';
import { ANSWER_SIZE, MODE_SIZE, SEIZE_SIZE, STOP } from './relay.ts';

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** After this long the event loop gets its turn. */
const BATCH_MS = 5;

export class PtraceObserver {
  /** The tracer's process id. */
  readonly tracer: number;
  private readonly libc: Libc;
  private readonly child: ChildProcess;
  private readonly arena: Arena;
  private readonly args: BigUint64Array;
  private fd: number;
  private current = 0;
  private stop: () => void = () => undefined;
  private onEnd: () => void = () => undefined;

  /** Starts a tracer for the thread `tid`, which seizes it when `seize` is called. */
  constructor(libc: Libc, tid: number) {
    const [ours, theirs] = socketPair(libc, 'packets');
    this.libc = libc;
    this.fd = ours;
    this.arena = libc.arena(4096);
    this.arena.take(STOP.size);
    this.args = new BigUint64Array(this.arena.bytes.buffer, STOP.args, 6);
    this.child = spawnScript('ptrace/tracer', { stdio: ['ignore', 'ignore', 'ignore', theirs] }, [String(tid)]);
    this.child.on('error', () => undefined); // shows as the end of the socket
    closeSync(theirs);
    this.tracer = this.child.pid ?? 0;
  }

  /** UnsupportedError where ptrace(2) is refused. To be called once the thread allows the tracer to seize it. */
  async seize(): Promise<void> {
    this.sendWord(0, SEIZE_SIZE);
    const size = await this.firstPacket();
    const errno = this.arena.view.getInt32(0, true);
    if (size === SEIZE_SIZE && errno === 0) return;
    throw new UnsupportedError('tracing by ptrace', {
      hint: size === SEIZE_SIZE ? `the kernel refused it with ${errnoName(errno)}` : 'the tracer ended',
    });
  }

  /** To be called before the thread starts anything. */
  go(everyCall: boolean): void {
    this.sendWord(everyCall ? 1 : 0, MODE_SIZE);
  }

  stillWaits(tid: number): boolean {
    return tid === this.current; // the tracer reaps, and waits for us: the id cannot go to another thread meanwhile
  }

  watch(dispatcher: Dispatcher, onEnd: () => void): void {
    this.onEnd = onEnd;
    this.stop = this.libc.onReadable(this.fd, () => this.drain(dispatcher));
  }

  close(): void {
    this.stop();
    if (this.fd >= 0) closeSync(this.fd); // the tracer lets everything run from here on
    this.fd = -1;
  }

  private drain(dispatcher: Dispatcher): void {
    const until = performance.now() + BATCH_MS;
    while (this.fd >= 0) {
      const size = this.receive();
      if (size === -EAGAIN) return;
      if (size !== STOP.size) {
        this.stop(); // the tracer ended: nothing is left to trace
        return this.onEnd();
      }
      let wantsExit = false;
      try {
        wantsExit = this.handle(dispatcher);
      } catch (e) {
        process.nextTick(() => {
          throw e; // a mistake of the handler's is not the traced program's fault
        });
      } finally {
        this.current = 0;
        this.sendWord(wantsExit ? 1 : 0, ANSWER_SIZE);
      }
      if (performance.now() > until) return;
    }
  }

  private handle(dispatcher: Dispatcher): boolean {
    const { view } = this.arena;
    const tid = view.getInt32(STOP.tid, true);
    const nr = Number(view.getBigUint64(STOP.nr, true));
    const ip = view.getBigUint64(STOP.ip, true);
    this.current = tid;
    if (view.getUint32(STOP.phase, true) === STOP.enter) return dispatcher.enter(tid, nr, this.args, ip);
    dispatcher.exit(tid, nr, this.args, ip, view.getBigInt64(STOP.ret, true));
    return false;
  }

  private sendWord(word: number, size: number): void {
    this.arena.view.setUint32(0, word, true);
    if (this.fd >= 0) this.libc.send(this.fd, this.arena.at(0), size, MSG_NOSIGNAL);
  }

  /** Size of the next packet, 0 at the end, or -EAGAIN. */
  private receive(): number {
    for (;;) {
      const r = this.libc.recv(this.fd, this.arena.at(0), STOP.size, MSG_DONTWAIT);
      if (r !== -EINTR) return r;
    }
  }

  private firstPacket(): Promise<number> {
    return new Promise((resolve) => {
      const stop = this.libc.onReadable(this.fd, () => {
        const size = this.receive();
        if (size === -EAGAIN) return;
        stop();
        resolve(size);
      });
    });
  }
}
