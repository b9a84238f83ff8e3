/** One client's connection at the serving end. */
import type { Socket } from 'node:net';
import { EBADF, EMFILE } from '../base/errno.ts';
import { BpfError, FormatError } from '../base/errors.ts';
import type { EventReader, EventRecord, Kernel, LineReader } from '../sys/index.ts';
import { FrameReader, frame } from './frames.ts';
import { METHODS } from './methods.ts';
import { errorValue, MAGIC, VERSION } from './protocol.ts';
import type { Value } from './value.ts';

/** Requests of one peer that wait for their answer, reads of readers apart. */
const MAX_WAITING = 64;
/** Readers of one peer. */
const MAX_READERS = 256;
/** A greeting is short. */
const MAX_TEXT = 256;
/** How long a peer may take to greet, and to hear why it is refused. */
const GREETING_MS = 10_000;
const PARTING_MS = 1000;
/** Bytes of records that go into one answer, about; one record may be larger. */
const READ_CHUNK = 1 << 20;

/** A reader and what it gave that did not fit into the last answer. */
interface OpenReader {
  readonly reader: EventReader | LineReader;
  rest: (EventRecord | string)[];
  reading: boolean;
}

export class Connection {
  /** Resolves when the client is gone and everything it held is given back. */
  readonly ended: Promise<void>;
  readonly #socket: Socket;
  readonly #open: (claimed: { pid: number; comm: string }) => Kernel;
  readonly #frames = new FrameReader();
  readonly #readers = new Map<number, OpenReader>();
  #kernel: Kernel | undefined;
  #lastReader = 0;
  #waiting = 0;
  /** Requests are answered one after another. */
  #queue: Promise<void> = Promise.resolve();

  constructor(socket: Socket, open: (claimed: { pid: number; comm: string }) => Kernel) {
    this.#socket = socket;
    this.#open = open;
    this.ended = new Promise((resolve) => {
      socket.once('close', () => {
        // Whatever was asked before is done first: closing is the last thing that happens.
        this.#queue = this.#queue.then(() => this.#kernel?.close()).finally(resolve);
      });
    });
    const silent = setTimeout(() => part(socket, new FormatError('no greeting came')), GREETING_MS).unref();
    socket.once('data', () => clearTimeout(silent));
    socket.once('close', () => clearTimeout(silent));
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('drain', () => this.#throttle());
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    await this.ended;
  }

  #receive(bytes: Uint8Array): void {
    try {
      for (const value of this.#frames.push(bytes)) this.#handle(value);
    } catch (error) {
      // What cannot be read cannot be answered either: say why, and part.
      this.#socket.removeAllListeners('data');
      this.#socket.resume();
      part(this.#socket, error);
    }
  }

  #handle(value: Value): void {
    if (!Array.isArray(value)) throw new FormatError('a message that is no list');
    if (this.#kernel === undefined) return this.#greet(value);
    const [id, method, args] = value as [Value, Value, Value];
    if (typeof id !== 'number' || typeof method !== 'string' || !Array.isArray(args)) {
      throw new FormatError('a request that has no id, method and arguments');
    }
    if (method === 'read') {
      this.#answerRead(id, args[0]);
      return;
    }
    this.#waiting++;
    this.#throttle();
    this.#queue = this.#queue.then(async () => {
      await this.#answer(id, () => this.#perform(method, args));
      this.#waiting--;
      this.#throttle();
    });
  }

  #greet([magic, version, pid, comm]: readonly Value[]): void {
    if (magic !== MAGIC) throw new FormatError('this is not a client of skep');
    if (version !== VERSION) {
      throw new FormatError(`client and kernel speak versions ${version} and ${VERSION}: stop the older one`);
    }
    if (typeof pid !== 'number' || typeof comm !== 'string' || comm.length > MAX_TEXT) {
      throw new FormatError('a greeting without a name');
    }
    this.#kernel = this.#open({ pid, comm });
    this.#send([MAGIC, VERSION, this.#kernel.possibleCpus]);
  }

  async #perform(method: string, args: readonly Value[]): Promise<Value> {
    if (method === 'closeReader') return this.#closeReader(args[0]);
    const perform = METHODS.get(method);
    if (perform === undefined) throw new FormatError(`there is no method ${method.slice(0, MAX_TEXT)}`);
    const answer = await perform(this.#kernel!, args);
    return isReader(answer) ? this.#addReader(answer) : answer;
  }

  async #addReader(reader: EventReader | LineReader): Promise<number> {
    if (this.#readers.size >= MAX_READERS) {
      await reader.close();
      throw new BpfError('open reader', EMFILE);
    }
    this.#readers.set(++this.#lastReader, { reader, rest: [], reading: false });
    return this.#lastReader;
  }

  async #closeReader(number: Value): Promise<undefined> {
    const open = this.#readers.get(number as number);
    if (open === undefined) throw new BpfError('close reader', EBADF);
    this.#readers.delete(number as number);
    await open.reader.close();
    return undefined;
  }

  #answerRead(id: number, number: Value): void {
    const open = this.#readers.get(number as number);
    if (open?.reading) throw new FormatError('a reader is read twice at once');
    void this.#answer(id, async () => {
      if (open === undefined) throw new BpfError('read', EBADF);
      open.reading = true;
      try {
        if (open.rest.length === 0) open.rest = await open.reader.read();
        return takeChunk(open) as Value;
      } finally {
        open.reading = false;
      }
    });
  }

  async #answer(id: number, work: () => Promise<Value>): Promise<void> {
    let answer: Value;
    try {
      answer = [id, true, await work()];
    } catch (error) {
      answer = [id, false, errorValue(error)];
    }
    this.#send(answer);
  }

  #send(value: Value): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    let bytes: Uint8Array;
    try {
      bytes = frame(value);
    } catch (error) {
      const [id] = value as [Value];
      bytes = frame([id, false, errorValue(error)]);
    }
    this.#socket.write(bytes);
    this.#throttle();
  }

  /** Listens to the peer only as long as it takes its answers. */
  #throttle(): void {
    if (this.#waiting >= MAX_WAITING || this.#socket.writableNeedDrain) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }
}

/** Tells a peer why, and ends its connection, whether or not it listens. */
export function part(socket: Socket, error: unknown): void {
  socket.write(frame(['error', errorValue(error)]));
  socket.destroySoon();
  setTimeout(() => socket.destroy(), PARTING_MS).unref();
}

/** The next records of a reader, about READ_CHUNK bytes of them. */
function takeChunk(open: OpenReader): (EventRecord | string)[] {
  let bytes = 0;
  let count = 0;
  while (count < open.rest.length && bytes < READ_CHUNK) {
    const record = open.rest[count++]!;
    bytes += 32 + (typeof record === 'string' ? record.length : 'data' in record ? record.data.length : 0);
  }
  return open.rest.splice(0, count);
}

function isReader(answer: unknown): answer is EventReader | LineReader {
  return typeof answer === 'object' && answer !== null && typeof (answer as EventReader).read === 'function';
}
