import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cString } from '../../base/bytes.ts';
import type { SyscallEvent } from './event.ts';
import { whyNoTracing } from './libc.ts';
import { type Exit, startProcess, type TraceRequest } from './start.ts';
import { syscallNumbers } from './syscalls/index.ts';

const why = whyNoTracing();
const isRoot = process.getuid?.() === 0;

interface Seen {
  phase: string;
  nr: number;
  pid: number;
  tgid: number;
  ppid: number;
  comm: string;
  uid: number;
  path: string | null;
  ret: bigint;
}
interface Outcome {
  events: Seen[];
  exit: Exit;
  stdout: string;
  stderr: string;
  method: string;
  pid: number;
}

const [OPENAT, EXECVE] = syscallNumbers(['openat', 'execve']) as [number, number];
const PATH_ARG: Record<number, number> = { [OPENAT]: 1, [EXECVE]: 0 };

function readPath(event: SyscallEvent): string | null {
  const index = PATH_ARG[event.nr];
  if (index === undefined) return null;
  const addr = event.args[index]!;
  const bytes = event.task.readUser(addr, Math.min(256, 4096 - Number(addr % 4096n)));
  return bytes && cString(bytes);
}

/** Runs a command to its end, and gathers what was reported. */
async function trace(
  argv: string[],
  enter: string[],
  options: Partial<TraceRequest> & { exit?: string[]; during?: (event: SyscallEvent) => void } = {},
): Promise<Outcome> {
  const events: Seen[] = [];
  const { exit = [], during, ...request } = options;
  const traced = await startProcess(
    { argv, stdio: 'pipe', calls: { enter: syscallNumbers(enter), exit: syscallNumbers(exit) }, ...request },
    {
      onEvent(event) {
        const { pid, tgid, ppid, comm, uid } = event.task;
        events.push({
          phase: event.phase,
          nr: event.nr,
          pid,
          tgid,
          ppid,
          comm,
          uid,
          path: readPath(event),
          ret: event.ret,
        });
        during?.(event);
      },
    },
  );
  const text = async (stream: AsyncIterable<Buffer> | null) => {
    const pieces: Buffer[] = [];
    for await (const piece of stream ?? []) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  };
  const [ended, stdout, stderr] = await Promise.all([traced.exited, text(traced.stdout), text(traced.stderr)]);
  await traced.gone;
  return { events, exit: ended, stdout, stderr, method: traced.method, pid: traced.pid };
}

const paths = (o: Outcome, comm?: string) => o.events.filter((e) => !comm || e.comm === comm).map((e) => e.path);

describe.skipIf(why !== null)(`a traced process tree${why ? ` (${why})` : ''}`, () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'skep-trace-'));
    chmodSync(dir, 0o777);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test('reports the files that a command opens, with who opened them', async () => {
    const o = await trace(['cat', '/etc/hostname'], ['openat', 'execve']);
    expect(o.exit).toEqual({ code: 0, signal: null });
    expect(o.stdout).toBe(readFileSync('/etc/hostname', 'utf8'));
    expect(o.method).toBe('notify');
    expect(o.events[0]).toMatchObject({ nr: EXECVE, pid: o.pid });
    expect(o.events[0]!.path).toMatch(/\/cat$/);
    expect(o.events.find((e) => e.path === '/etc/hostname')).toMatchObject({
      phase: 'enter',
      pid: o.pid,
      tgid: o.pid,
      comm: 'cat',
      uid: process.getuid!(),
    });
  });

  test('reports what the calls answered, by ptrace', async () => {
    const o = await trace(['cat', '/etc/hostname', '/nowhere'], ['openat'], { exit: ['openat', 'execve'] });
    expect(o.method).toBe('ptrace');
    expect(o.exit.code).toBe(1);
    expect(o.stderr).toMatch(/nowhere/);
    const exits = o.events.filter((e) => e.phase === 'exit');
    expect(exits[0]).toMatchObject({ nr: EXECVE, comm: 'cat', ret: 0n });
    expect(exits.find((e) => e.path === '/etc/hostname')!.ret).toBeGreaterThanOrEqual(3n);
    expect(exits.find((e) => e.path === '/nowhere')!.ret).toBe(-2n);
    const entries = o.events.filter((e) => e.phase === 'enter' && e.nr === OPENAT).length;
    expect(exits.filter((e) => e.nr === OPENAT)).toHaveLength(entries);
  });

  test('follows pipelines, and knows parents and new names', async () => {
    const o = await trace(['sh', '-c', 'cat /etc/hostname | tr a-z A-Z; exit 5'], ['openat', 'execve']);
    expect(o.exit.code).toBe(5);
    expect(o.stdout).toBe(readFileSync('/etc/hostname', 'utf8').toUpperCase());
    expect(paths(o, 'cat')).toContain('/etc/hostname');
    const tr = o.events.find((e) => e.comm === 'tr')!;
    expect(tr.ppid).toBe(o.pid);
    expect(new Set(o.events.map((e) => e.comm))).toEqual(new Set(['skep', 'sh', 'cat', 'tr']));
  });

  test('reports every thread under its own id, and new thread names', async () => {
    const script = join(dir, 'threads.mjs');
    writeFileSync(
      script,
      `import { Worker } from 'node:worker_threads';
       for (let i = 0; i < 3; i++) new Worker("require('fs').readFileSync('/etc/passwd')", { eval: true });`,
    );
    const o = await trace([process.execPath, script], ['openat'], { env: { PATH: process.env['PATH'] } });
    expect(o.exit.code).toBe(0);
    const opens = o.events.filter((e) => e.path === '/etc/passwd');
    expect(opens).toHaveLength(3);
    expect(new Set(opens.map((e) => e.pid)).size).toBe(3);
    expect(new Set(opens.map((e) => e.tgid))).toEqual(new Set([o.pid]));
  });

  test.each(['notify', 'ptrace', 'ptrace-all'] as const)(
    'keeps up with many short-lived processes (%s)',
    async (method) => {
      const script = 'for i in 1 2 3 4 5 6 7 8; do for j in 1 2 3; do cat /etc/hostname & done; wait; done';
      const o = await trace(['sh', '-c', script], ['openat'], { method });
      expect(o.exit.code).toBe(0);
      expect(o.events.filter((e) => e.path === '/etc/hostname' && e.comm === 'cat')).toHaveLength(24);
      expect(o.stdout).toBe(readFileSync('/etc/hostname', 'utf8').repeat(24));
    },
  );

  test.each(['notify', 'ptrace'] as const)('lets calls through that its own helper makes too (%s)', async (method) => {
    const calls = ['write', 'read', 'close', 'mmap', 'futex', 'rt_sigprocmask', 'clone', 'clone3', 'poll', 'fcntl'];
    const o = await trace(['sh', '-c', 'echo one; (echo two)'], calls, { method });
    expect(o).toMatchObject({ exit: { code: 0 }, stdout: 'one\ntwo\n' });
    expect(o.events.some((e) => e.nr === 1 && e.comm === 'sh')).toBe(true);
  });

  test.each([
    ['exit 42', { code: 42, signal: null }],
    ['kill -KILL $$', { code: null, signal: 9 }],
    ['kill -TERM $$', { code: null, signal: 15 }],
  ])('passes on how the command ended: %s', async (script, exit) => {
    expect((await trace(['sh', '-c', script], ['openat'])).exit).toEqual(exit);
  });

  test('resets what Node does to signals and descriptors', async () => {
    const o = await trace(['sh', '-c', 'grep Sig /proc/self/status; ls -l /proc/self/fd'], ['execve']);
    expect(o.stdout).toMatch(/SigBlk:\t0{16}\nSigIgn:\t0{16}/);
    expect(o.stdout.split('\n').filter((line) => / [0-2] -> /.test(line))).toHaveLength(3);
    expect(o.stdout).not.toMatch(/ ([3-9]|\d\d+) -> .*(socket|memfd|anon_inode)/); // nothing of ours
  });

  test('gives the command its own environment, directory and input', async () => {
    const traced = await startProcess(
      {
        argv: ['sh', '-c', 'read line; echo "$line $NAME $PWD"'],
        env: { NAME: 'value=with=signs', PATH: process.env['PATH'] },
        cwd: dir,
        stdio: 'pipe',
        calls: { enter: [OPENAT], exit: [] },
      },
      { onEvent: () => undefined },
    );
    traced.stdin!.end('typed\n');
    let out = '';
    for await (const piece of traced.stdout!) out += piece;
    expect(out).toBe(`typed value=with=signs ${dir}\n`);
  });

  test('reports only what is wanted now', async () => {
    let n = 0;
    const traced = await startProcess(
      {
        argv: ['sh', '-c', 'cat /etc/hostname; read x; cat /etc/hostname'],
        stdio: 'pipe',
        calls: { enter: [], exit: [] },
        mayWant: { enter: [OPENAT], exit: [] },
      },
      { onEvent: () => void n++ },
    );
    for await (const _ of traced.stdout!) {
      if (n > 0) break;
      expect(n).toBe(0);
      traced.want({ enter: [OPENAT], exit: [] });
      traced.stdin!.end('\n');
    }
    await traced.exited;
    expect(n).toBeGreaterThan(0);
  });

  test('user memory: reads and writes while the thread waits, and not after', async () => {
    let later: (() => unknown) | undefined;
    const o = await trace(['cat', '/etc/hostname'], ['openat'], {
      during({ args, task }) {
        const addr = args[1]!;
        expect(task.readUser(0n, 8)).toBeNull();
        expect(task.readUser(0xffffffff81000000n, 8)).toBeNull();
        expect(task.readUser(addr, 2 ** 31)).toBeNull();
        const bytes = task.readUser(addr, 13);
        if (bytes === null || cString(bytes) !== '/etc/hostname') return;
        later = () => task.readUser(addr, 13);
        expect(task.writeUser(addr, Buffer.from('/etc/machine-'))).toBe(true);
        task.writeUser(addr, Buffer.from('/etc/hostname'));
      },
    });
    expect(o.exit.code).toBe(0);
    expect(later!()).toBeNull();
  });

  test('a script without an interpreter line goes to sh, as execvp(3) does', async () => {
    const file = join(dir, 'script');
    writeFileSync(file, 'echo "run by sh with $1"\n', { mode: 0o755 });
    expect((await trace([file, 'x'], ['openat'])).stdout).toBe('run by sh with x\n');
  });

  test('refuses what cannot run, before anything runs', async () => {
    const file = join(dir, 'plain');
    writeFileSync(file, 'data', { mode: 0o644 });
    const refused = (argv: string[], more = {}) =>
      trace(argv, ['openat'], more).then(
        () => 'ran',
        (e) => e.code,
      );
    expect(await refused(['no-such-command-at-all'])).toBe('ENOENT');
    expect(await refused(['/no/such/file'])).toBe('ENOENT');
    expect(await refused([''])).toBe('ENOENT');
    expect(await refused([file])).toBe('EACCES');
    expect(await refused([dir])).toBe('EACCES');
    expect(await refused(['true'], { cwd: join(dir, 'gone') })).toBe('ENOENT');
    expect(await refused(['true'], { cwd: file })).toBe('ENOTDIR');
    writeFileSync(file, '#!/no/such/interpreter\n', { mode: 0o755 });
    chmodSync(file, 0o755);
    expect(await refused([file])).toBe('ENOENT');
  });

  test('arguments and variables arrive as they are, a megabyte of them too', async () => {
    const argv = ['printf', '<%s>', 'a b', '', "ü\n'"];
    expect((await trace(argv, [])).stdout).toBe("<a b><><ü\n'>");
    const env: Record<string, string> = { PATH: process.env['PATH']! };
    for (let i = 0; i < 12; i++) env[`V${i}`] = 'x'.repeat(100_000);
    expect(Number((await trace(['sh', '-c', 'env | wc -c'], [], { env })).stdout)).toBeGreaterThan(1_200_000);
    for (let i = 12; i < 80; i++) env[`V${i}`] = 'x'.repeat(100_000);
    await expect(trace(['true'], [], { env })).rejects.toMatchObject({ code: 'E2BIG' });
    await expect(trace(['echo', 'a\0b'], [])).rejects.toMatchObject({ code: 'EINVAL' });
  });

  test('kill ends the command', async () => {
    const traced = await startProcess(
      { argv: ['sleep', '60'], stdio: 'pipe', calls: { enter: [OPENAT], exit: [] } },
      { onEvent: () => undefined },
    );
    traced.kill();
    expect(await traced.exited).toEqual({ code: null, signal: 15 });
    await traced.gone;
    traced.kill();
  });

  test('what runs on in the background is still reported, until it is gone', async () => {
    const o = await trace(['sh', '-c', '(sleep 0.2; cat /etc/hostname) & exit 3'], ['openat']);
    expect(o.exit.code).toBe(3);
    expect(paths(o, 'cat')).toContain('/etc/hostname');
  });

  test.each(['notify', 'ptrace'] as const)(
    'a killed launcher does not take the programs along (%s)',
    async (method) => {
      const opened: (string | null)[] = [];
      let launcher = 0;
      const traced = await startProcess(
        {
          argv: ['sh', '-c', 'echo ready; read x; cat /etc/hostname'],
          stdio: 'pipe',
          calls: { enter: [OPENAT], exit: [] },
          method,
        },
        {
          onEvent(event) {
            opened.push(readPath(event));
            launcher ||= event.task.ppid;
          },
        },
      );
      let out = '';
      for await (const piece of traced.stdout!) {
        if (out === '') {
          process.kill(launcher, 'SIGKILL');
          traced.stdin!.end('\n');
        }
        out += piece;
      }
      expect(out).toBe('ready\n' + readFileSync('/etc/hostname', 'utf8'));
      await expect(traced.exited).rejects.toMatchObject({ code: 'EIO' });
      await traced.gone;
      expect(opened).toContain('/etc/hostname');
    },
  );

  test('a tree that was let go ends as if nobody had looked', async () => {
    const mark = join(dir, 'let-go');
    const traced = await startProcess(
      {
        argv: ['sh', '-c', `sleep 0.2; cat /etc/hostname > ${mark}`],
        stdio: 'pipe',
        calls: { enter: [OPENAT], exit: [] },
      },
      { onEvent: () => undefined },
    );
    traced.letGo();
    await expect(traced.exited).rejects.toMatchObject({ code: 'EIO' });
    await until(() => existsSync(mark) && readFileSync(mark, 'utf8') === readFileSync('/etc/hostname', 'utf8'));
  });

  describe('with a tracer of its own', () => {
    const children: ChildProcess[] = [];
    afterAll(() => {
      for (const child of children) child.kill('SIGKILL');
    });

    /** Runs test/support/traced-run.ts; its log is the list of what it saw. */
    function tracer(method: string, calls: string, argv: string[], prefix: string[] = []) {
      const log = join(dir, `log-${children.length}`);
      const script = fileURLToPath(new URL('../../../test/support/traced-run.ts', import.meta.url));
      const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm')).href;
      const line = [...prefix, process.execPath, '--import', loader, script, log, method, calls, ...argv];
      const child = spawn(line[0]!, line.slice(1), { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
      children.push(child);
      const seen = () =>
        existsSync(log)
          ? readFileSync(log, 'utf8')
              .split('\n')
              .filter(Boolean)
              .map((l) => JSON.parse(l))
          : [];
      return { child, seen, exited: new Promise<number | null>((resolve) => child.on('exit', resolve)) };
    }

    test.each(['notify', 'ptrace'])('killed with SIGKILL, it is not missed by the program (%s)', async (method) => {
      const mark = join(dir, `survived-${method}`);
      const loop = `for i in 1 2 3 4 5 6 7 8 9 10; do cat /etc/hostname || exit 1; sleep 0.05; done; echo > ${mark}`;
      const { child, seen } = tracer(method, 'openat,read,write,execve,exit_group', ['sh', '-c', loop]);
      await until(() => seen().length > 60);
      child.kill('SIGKILL');
      await until(() => existsSync(mark));
    });

    test('a traced tracer finds that somebody listens already, and stops every call by ptrace', async () => {
      const inner = join(dir, 'inner');
      const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm')).href;
      const script = fileURLToPath(new URL('../../../test/support/traced-run.ts', import.meta.url));
      const argv = [process.execPath, '--import', loader, script, inner, 'any', 'openat', 'cat', '/etc/hostname'];
      const { exited, seen } = tracer('notify', 'openat', argv);
      expect(await exited).toBe(0);
      const log = readFileSync(inner, 'utf8');
      expect(log).toMatch(/"method":"ptrace-all"/);
      const opens = (lines: { comm?: string }[]) => lines.filter((l) => l.comm === 'cat').length;
      expect(
        opens(
          log
            .trim()
            .split('\n')
            .map((l) => JSON.parse(l)),
        ),
      ).toBe(opens(seen()));
    });

    test('interrupted with its terminal’s process group, it outlives the command and passes its end on', async () => {
      const { child, seen, exited } = tracer('notify', 'execve', ['sleep', '60']);
      await until(() => seen().some((l) => l.started));
      process.kill(-child.pid!, 'SIGINT');
      expect(await exited).toBe(130);
      expect(seen().at(-1)).toEqual({ exit: { code: null, signal: 2 } });
    });

    test.each([
      ['SIGTERM', 15],
      ['SIGINT', 2],
    ] as const)('a %s for it alone is passed on', async (signal, number) => {
      const { child, seen, exited } = tracer('notify', 'execve', ['sleep', '60']);
      await until(() => seen().some((l) => l.started));
      child.kill(signal);
      expect(await exited).toBe(128 + number);
    });

    test.skipIf(!isRoot).each(['notify', 'ptrace'])('needs no privileges (%s)', async (method) => {
      const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
      const { seen, exited } = tracer(method, 'openat', ['cat', '/etc/hostname'], nobody);
      expect(await exited).toBe(0);
      expect(seen().some((l) => l.comm === 'cat' && l.uid === 65534)).toBe(true);
    });
  });
});

/** Waits for something to become true; the test's own time limit is the only one. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}
