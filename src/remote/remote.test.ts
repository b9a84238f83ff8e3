import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acceptAll } from '../../test/support/accept-all.ts';
import { FormatError } from '../base/errors.ts';
import { assemble, encode } from '../isa/index.ts';
import { createKernel, type EmbeddedKernel } from '../kernel/index.ts';
import { Bpf } from '../sys/index.ts';
import { FrameReader, frame, MAX_FRAME } from './frames.ts';
import { connectKernel, type KernelServer, serveKernel } from './index.ts';
import { readValue, type Value, Writer } from './value.ts';

const KEY = new Uint8Array(4);

let directory: string;
let kernel: EmbeddedKernel;
let server: KernelServer;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'skep-test-'));
  kernel = createKernel({ verify: acceptAll });
  server = await serveKernel(kernel, join(directory, 'k.sock'));
});

afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const open = async () => new Bpf(await connectKernel(server.path));

describe('a remote kernel', () => {
  it('answers like the kernel itself', async () => {
    const bpf = await open();
    const map = await bpf.mapCreate({ map_type: 1, key_size: 4, value_size: 8, max_entries: 8, map_name: 'h' });
    await bpf.mapUpdate(map, KEY, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(await bpf.mapLookup(map, KEY, 8)).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(await bpf.mapLookup(map, Uint8Array.of(9, 0, 0, 0), 8)).toBeNull();
    expect(await bpf.mapInfo(map)).toMatchObject({ of: 'map', name: 'h', map_extra: 0n });
    const batches: unknown[] = [];
    for await (const batch of bpf.mapBatches(map, 4, 8)) batches.push(...batch); // the end comes as an error with an answer
    expect(batches).toHaveLength(1);
    await bpf.objPin('/sys/fs/bpf/h', map);
    expect(await bpf.kernel.bpffs.list('/sys/fs/bpf')).toEqual([{ name: 'h', kind: 'map' }]);
    expect(await bpf.kernel.bpffs.stat('/sys/fs/bpf/none')).toBeNull();
    expect(await bpf.kernel.netDevices()).toEqual([{ ifindex: 1, name: 'lo' }]);
    await bpf.kernel.close();
  });

  it('gives the errors that the kernel gives', async () => {
    const bpf = await open();
    await expect(bpf.progById(99)).rejects.toMatchObject({
      name: 'BpfError',
      code: 'ENOENT',
      op: 'BPF_PROG_GET_FD_BY_ID',
    });
    const event = { kind: 'uprobe', path: '/bin/sh', offset: 0 } as const;
    await expect(bpf.kernel.perfEventOpen(event)).rejects.toMatchObject({
      name: 'UnsupportedError',
      feature: 'uprobe',
    });
    await bpf.kernel.close();
  });

  it('closes a client’s descriptors with its connection', async () => {
    const bpf = await open();
    await bpf.mapCreate({ map_type: 2, key_size: 4, value_size: 4, max_entries: 1 });
    expect(kernel.usage().maps).toBe(1);
    const gone = new Promise<void>((resolve) => {
      const stop = server.onChange(() => {
        stop();
        resolve();
      });
    });
    await bpf.kernel.close();
    await gone;
    expect(kernel.usage()).toMatchObject({ maps: 0, clients: 0 });
    await expect(bpf.progById(1)).rejects.toMatchObject({ code: 'ERR_KERNEL_GONE' });
  });

  it('two clients have descriptors of their own and see the same objects', async () => {
    const [a, b] = [await open(), await open()];
    const map = await a.mapCreate({ map_type: 2, key_size: 4, value_size: 4, max_entries: 1, map_name: 'mine' });
    await expect(b.mapInfo(map)).rejects.toMatchObject({ code: 'EBADFD' });
    const ids: number[] = [];
    for await (const id of b.mapIds()) ids.push(id);
    expect(ids).toHaveLength(1);
    expect((await b.mapInfo(await b.mapById(ids[0]!))).name).toBe('mine');
    await a.kernel.close();
    await b.kernel.close();
  });

  it('passes records on, and ends a read that waits when the reader is closed', async () => {
    const bpf = await open();
    const ring = await bpf.mapCreate({ map_type: 27, max_entries: 1 << 22 });
    const text = `r6 = 0
      *(u64 *)(r10 - 8) = r6
      r1 = map[fd:${ring}]
      r2 = r10
      r2 += -8
      r3 = 8
      r4 = 0
      call 130
      r6 += 1
      if r6 < 50000 goto -10
      r0 = 0
      exit`;
    const { fd } = await bpf.progLoad({ prog_type: 17, insns: encode(assemble(text)), license: 'GPL' });
    const reader = await bpf.kernel.openRingBuffer(ring);
    let next = 0;
    const first = reader.read();
    await bpf.testRun({ prog_fd: fd });
    for (let records = await first; ; records = await reader.read()) {
      for (const record of records) {
        if ('data' in record) expect(new DataView(record.data.buffer).getUint32(0, true)).toBe(next++);
      }
      if (next === 50000) break;
    }
    const waiting = reader.read();
    await reader.close();
    expect(await waiting).toEqual([]);
    await bpf.kernel.close();
  });

  it('tells who waits when the kernel goes away', async () => {
    const bpf = await open();
    const pipe = await bpf.kernel.openTracePipe();
    const waiting = pipe.read();
    waiting.catch(() => {});
    await server.close();
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_KERNEL_GONE' });
    server = await serveKernel(kernel, join(directory, 'again.sock'));
  });
});

describe('a hostile peer', () => {
  const HELLO = frame(['skep', 1, 1, 'test']);

  /** What comes back before the server ends the connection, or the first `enough` answers. */
  async function say(pieces: Uint8Array[], enough = Number.POSITIVE_INFINITY): Promise<Value[]> {
    const socket = connect(server.path);
    const reader = new FrameReader();
    const answers: Value[] = [];
    socket.on('data', (bytes) => {
      answers.push(...reader.push(bytes));
      if (answers.length >= enough) socket.destroy();
    });
    socket.on('error', () => {});
    for (const piece of pieces) socket.write(piece);
    await new Promise((resolve) => socket.once('close', resolve));
    return answers;
  }

  it.each([
    ['a frame that is too large', Uint8Array.of(255, 255, 255, 255)],
    ['no greeting', frame(['hello'])],
    ['another version', frame(['skep', 999, 1, 'x'])],
    ['what is no message', frame('text')],
  ])('is told what was wrong with %s', async (_what, bytes) => {
    const [answer] = await say([bytes]);
    expect(answer).toMatchObject(['error', { kind: 'skep', code: 'ERR_FORMAT' }]);
  });

  it('cannot name methods of the language, nor pass what is no attribute', async () => {
    const requests: [number, string, Value[]][] = [
      [1, 'constructor', []],
      [2, 'bpf', ['toString', {}]],
      [3, 'bpf', ['MAP_CREATE', { map_type: 'x' }]],
      [4, 'bpf', ['MAP_CREATE', { map_type: 1.5 }]],
      [5, 'bpf', ['MAP_CREATE', null]],
      [6, 'perfEventOpen', [{ kind: 'valueOf' }]],
      [7, 'closeFd', [-1n]],
      [8, 'bpffs.list', [{}]],
    ];
    const answers = await say([HELLO, ...requests.map(frame)], 1 + requests.length);
    for (const [i, [id]] of requests.entries())
      expect(answers[i + 1]).toMatchObject([id, false, { code: 'ERR_FORMAT' }]);
  });

  it('leaves the others in peace, whatever it sends', async () => {
    const bpf = await open();
    const request = fc.tuple(
      fc.nat(),
      fc.constantFrom('bpf', 'read', 'closeReader', 'openRingBuffer', 'x'),
      fc.array(fc.anything()),
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.array(request), async (bytes, requests) => {
        const socket = connect(server.path);
        socket.on('error', () => {});
        socket.write(HELLO);
        for (const each of requests) {
          try {
            socket.write(frame(each as unknown as Value));
          } catch {
            // what cannot be said is not said
          }
        }
        await ended(socket, bytes);
        expect(await bpf.kernel.bpffs.mounts()).toEqual(['/sys/fs/bpf']);
      }),
      { numRuns: 30 },
    );
    await bpf.kernel.close();
  });

  it('that never reads is not listened to for ever', async () => {
    const socket = connect(server.path);
    socket.on('error', () => {});
    socket.pause();
    socket.write(HELLO);
    const ask = frame([
      1,
      'bpf',
      ['OBJ_GET_INFO_BY_FD', { bpf_fd: 3, info: { of: 'btf', want: { btf: 0xffffffff } } }],
    ]);
    socket.write(frame([0, 'bpf', ['BTF_GET_FD_BY_ID', { btf_id: 1 }]]));
    for (let i = 0; i < 200; i++) socket.write(ask);
    const bpf = await open();
    expect(await bpf.kernel.bpffs.mounts()).toEqual(['/sys/fs/bpf']);
    await bpf.kernel.close();
    // 200 answers of 5.5 MB would be a gigabyte.
    expect(process.memoryUsage().arrayBuffers).toBeLessThan(300e6);
    socket.destroy();
  });
});

async function ended(socket: Socket, last: Uint8Array): Promise<void> {
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.end(last);
  socket.resume();
  await closed;
}

describe('values on the wire', () => {
  const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<Value>(undefined, null, true, false),
      fc.double({ noNaN: true }),
      fc.integer(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
      fc.string(),
      fc.uint8Array(),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(
        fc.string().filter((name) => name !== '__proto__'),
        tie('value'),
        { maxKeys: 4, noNullPrototype: true },
      ),
    ),
  })).value;

  it('come back as they were', () => {
    fc.assert(
      fc.property(value, (given) => {
        const writer = new Writer();
        writer.value(given);
        expect(readValue(writer.bytes)).toStrictEqual(given);
      }),
    );
  });

  it('frames are found however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 5 }), fc.array(fc.nat({ max: 20 })), (values, cuts) => {
        const stream = Buffer.concat(values.map(frame));
        const reader = new FrameReader();
        const found: Value[] = [];
        let at = 0;
        for (const size of [...cuts, stream.length]) {
          found.push(...reader.push(stream.subarray(at, at + size)));
          at += size;
        }
        expect(found).toStrictEqual(values);
      }),
    );
  });

  it('any bytes are values or a FormatError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          readValue(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('a frame that nobody would take is not made', () => {
    expect(() => frame(new Uint8Array(MAX_FRAME + 1))).toThrow(FormatError);
  });
});
