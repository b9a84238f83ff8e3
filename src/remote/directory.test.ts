import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKernel } from '../kernel/index.ts';
import { Bpf } from '../sys/index.ts';
import {
  currentKernel,
  findKernels,
  hostedSocket,
  KernelRunningError,
  runtimeDirectory,
  runUserKernel,
  serveAt,
  userSocket,
} from './index.ts';

let base: string;
const before = process.env['XDG_RUNTIME_DIR'];

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'skep-dir-'));
  process.env['XDG_RUNTIME_DIR'] = base;
});

afterEach(() => {
  if (before === undefined) delete process.env['XDG_RUNTIME_DIR'];
  else process.env['XDG_RUNTIME_DIR'] = before;
  rmSync(base, { recursive: true, force: true });
});

/** A socket that a process left behind when it died: bound, and nobody listens. */
async function leaveStale(path: string): Promise<void> {
  const moved = `${path}.was`;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(moved, resolve));
  const { renameSync } = await import('node:fs');
  renameSync(moved, path);
  await new Promise((resolve) => server.close(resolve));
  expect(existsSync(path)).toBe(true);
}

/** The first answer that is one. */
async function eventually<T>(ask: () => Promise<T | null | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe('the directory of sockets', () => {
  it('is made for its owner alone', () => {
    expect(runtimeDirectory()).toBe(join(base, 'skep'));
    expect(runtimeDirectory()).toBe(join(base, 'skep')); // and found again
  });

  it('is refused where others may enter', () => {
    chmodSync(runtimeDirectory(), 0o755);
    expect(() => runtimeDirectory()).toThrow(/others may enter it/);
  });

  it('is refused where it is a symbolic link or a file', () => {
    mkdirSync(join(base, 'elsewhere'), { mode: 0o700 });
    symlinkSync(join(base, 'elsewhere'), join(base, 'skep'));
    expect(() => runtimeDirectory()).toThrow(/it is not a directory/);
    rmSync(join(base, 'skep'));
    writeFileSync(join(base, 'skep'), '');
    expect(() => runtimeDirectory()).toThrow();
  });
});

describe('kernels of a user', () => {
  it('are found, those of running commands first, and sockets of dead ones are removed', async () => {
    await leaveStale(hostedSocket(999999));
    const user = await serveAt(createKernel(), userSocket());
    const hosted = await serveAt(createKernel(), hostedSocket());
    expect(await findKernels()).toEqual([
      { path: hostedSocket(), kind: 'hosted', pid: process.pid },
      { path: userSocket(), kind: 'user', pid: undefined },
    ]);
    expect(existsSync(hostedSocket(999999))).toBe(false);
    const current = await currentKernel();
    expect(current).toMatchObject({ kind: 'hosted', started: false });
    await current!.kernel.close();
    await hosted.close();
    await user.close();
    expect(await currentKernel()).toBeNull();
  });

  it('a second one is told of the first', async () => {
    const first = await serveAt(createKernel(), userSocket());
    await expect(serveAt(createKernel(), userSocket())).rejects.toBeInstanceOf(KernelRunningError);
    await first.close();
  });

  it('a stale socket is no hindrance', async () => {
    await leaveStale(userSocket());
    const server = await serveAt(createKernel(), userSocket());
    await server.close();
  });

  it('the user’s own ends when it holds nothing and nobody is there', async () => {
    const kernel = createKernel();
    const ended = runUserKernel(kernel, { idleMs: 20 });
    const current = await eventually(currentKernel);
    const bpf = new Bpf(current.kernel);
    const map = await bpf.mapCreate({ map_type: 2, key_size: 4, value_size: 4, max_entries: 1 });
    await bpf.objPin('/sys/fs/bpf/m', map);
    await bpf.kernel.close();
    await new Promise((resolve) => setTimeout(resolve, 60)); // longer than idle: the pin keeps it
    const again = await currentKernel();
    await again!.kernel.bpffs.remove('/sys/fs/bpf/m');
    await again!.kernel.close();
    await ended;
    expect(existsSync(userSocket())).toBe(false);
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const ended = runUserKernel(createKernel(), { signal: stop.signal });
    await eventually(async () => (await findKernels())[0]);
    stop.abort();
    await ended;
    expect(await findKernels()).toEqual([]);
  });
});
