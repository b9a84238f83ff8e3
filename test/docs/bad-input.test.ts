/** Bad input at the command line: a sentence that says what is wrong, a status that is not 0, and nothing left behind. */
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findCompiler } from '../../src/bin/build/find-compiler.ts';
import { whyNoTracing } from '../../src/sources/index.ts';
import { ROOT } from './pages.ts';

const SKEP = ['--import', join(ROOT, 'node_modules/tsx/dist/loader.mjs'), join(ROOT, 'src/bin/skep.ts')];
const EXAMPLE = join(ROOT, 'examples/opensnoop.bpf.o');
const PKTCOUNT = join(ROOT, 'examples/pktcount.bpf.o');
const CAPTURE = join(ROOT, 'examples/mixed.pcap');

// Each test starts the command many times.
vi.setConfig({ testTimeout: 180_000 });

let home: string;
let runtime: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'skep-bad-'));
  runtime = join(home, 'run');
  mkdirSync(join(runtime, 'skep'), { recursive: true, mode: 0o700 });
});
afterAll(() => {
  skep('kernel', 'stop');
  rmSync(home, { recursive: true, force: true });
});

function skep(...args: string[]) {
  return spawnSync(process.execPath, [...SKEP, ...args], {
    env: { ...process.env, XDG_RUNTIME_DIR: runtime },
    encoding: 'utf8',
    timeout: 50_000,
  });
}

/** Runs it; wants one line of complaint that fits, and no talk of our own mistakes. */
function refuses(args: readonly string[], complaint: RegExp): void {
  const { status, stderr } = skep(...args);
  expect(stderr).toMatch(complaint);
  expect(stderr).not.toMatch(/internal error|^ +at /m);
  expect(status).not.toBe(0);
}

/** A file of the test's own. */
function file(name: string, contents: string | Uint8Array): string {
  const path = join(home, name);
  writeFileSync(path, contents);
  return path;
}

/** Sockets of commands that run, or did not clean up. */
const sockets = () => readdirSync(join(runtime, 'skep')).filter((name) => /^\d+\.sock$/.test(name));

describe('objects', () => {
  it('that are cut off are named, with the place', () => {
    const cut = file('cut.o', readFileSync(EXAMPLE).subarray(0, 3000));
    refuses(['run', cut, '--', 'true'], /^Error: cannot read '.*cut\.o': the section table lies at \d+, past the end/);
    refuses(['prog', 'load', cut, '/sys/fs/bpf/x'], /cut\.o: the section table/);
    refuses(['btf', 'dump', 'file', cut], /failed to load BTF from .*cut\.o/);
  });

  it('that are no objects, no files or not there', () => {
    const noise = file('noise.o', 'this is not an object'.repeat(100));
    refuses(['run', noise, '--', 'true'], /noise\.o': this is not an ELF file/);
    refuses(['run', file('empty.o', ''), '--', 'true'], /empty\.o': this is not an ELF file/);
    refuses(['run', join(home, 'none.o'), '--', 'true'], /none\.o': there is no such file/);
    refuses(['run', home, '--', 'true'], /it is a folder/);
  });
});

describe('captures', () => {
  const run = (capture: string) => ['run', PKTCOUNT, '--pcap', capture];

  it('that are not there, cut off, or something else', () => {
    refuses(run(join(home, 'none.pcap')), /none\.pcap': there is no such file/);
    refuses(
      run(file('cut.pcap', readFileSync(CAPTURE).subarray(0, 1000))),
      /cut\.pcap': the capture file ends too early/,
    );
    refuses(run(file('other.pcap', 'x'.repeat(100))), /other\.pcap': this is neither a pcap nor a pcapng file/);
  });

  it('for programs that take no packets', () => {
    refuses(['run', join(ROOT, 'examples/hello.bpf.o'), '--pcap', CAPTURE], /no program of the object takes packets/);
  });
});

describe('programs that cannot be', async () => {
  const compiler = await findCompiler();
  const build = (name: string, source: string): string => {
    const path = file(`${name}.bpf.c`, `#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n${source}\n`);
    const { status, stderr } = skep('build', path);
    expect(status, stderr).toBe(0);
    return path.replace(/c$/, 'o');
  };
  const LICENSE = 'char L[] SEC("license") = "GPL";';

  it.skipIf(!compiler)('say what is wrong, and what to do', () => {
    const packets = ['--pcap', CAPTURE];
    const cases: [name: string, source: string, complaint: RegExp][] = [
      [
        'helper',
        `static long (*nosuch)(void) = (void *)9999; SEC("xdp") int f(void *c) { return nosuch(); } ${LICENSE}`,
        /invalid func unknown#9999 .*this helper exists in no Linux/,
      ],
      ['licence', 'SEC("xdp") int f(void *c) { bpf_printk("x"); return 2; }', /GPL-restricted .*say the licence/],
      ['section', `int f(void *c) { return 0; } ${LICENSE}`, /has no program: give a function a SEC/],
      [
        'name',
        `SEC("nonsense/x") int f(void *c) { return 0; } ${LICENSE}`,
        /its section 'nonsense\/x' says no program type/,
      ],
      [
        'huge',
        `struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1 << 20); __type(key, __u32);
         __type(value, char[4096]); } huge SEC(".maps");
         SEC("xdp") int f(void *c) { __u32 k = 0; return bpf_map_lookup_elem(&huge, &k) ? 2 : 1; } ${LICENSE}`,
        /map 'huge' of type array with 1048576 elements, keys of 4 and values of 4096 bytes \(Cannot allocate memory\): make it smaller/,
      ],
    ];
    for (const [name, source, complaint] of cases) refuses(['run', build(name, source), ...packets], complaint);
  });
});

describe('words', () => {
  it('that make no sense', () => {
    refuses(['kernel', 'frobnicate'], /what is 'frobnicate'\?/);
    refuses(['run'], /which object\?/);
    refuses(['run', EXAMPLE, '--pcap'], /--pcap needs a value/);
    refuses(['build', 'x.rs'], /is no C file/);
    refuses(['--kernel'], /--kernel needs/);
    refuses(['-z'], /unrecognized option '-z'/);
    refuses(['run', EXAMPLE, '--set', 'nosuch=1', '--', 'true'], /no global variable 'nosuch'/);
    refuses(['run', EXAMPLE, '--set', 'exits=300', '--', 'true'], /'exits': .*0 to 255/);
  });
});

describe('the kernel', () => {
  it('is not started twice, and a map of 4 GiB is refused', () => {
    expect(skep('kernel', 'start').status).toBe(0);
    refuses(['kernel', 'start'], /is running already.*skep kernel stop ends it/);
    const huge = 'map create /sys/fs/bpf/huge type array key 4 value 4096 entries 1048576 name huge';
    refuses(huge.split(' '), /map create failed: Cannot allocate memory/);
    expect(skep('kernel', 'stop').status).toBe(0);
  });

  it('does not mind a socket that was left behind', async () => {
    const path = join(runtime, 'skep', 'kernel.sock');
    const server = createServer().listen(join(home, 's'));
    await new Promise((resolve) => server.once('listening', resolve));
    // A socket file survives under another name when its server closes.
    renameSync(join(home, 's'), path);
    await new Promise((resolve) => server.close(resolve));
    expect(skep('map', 'show')).toMatchObject({ status: 0, stderr: expect.stringContaining('started your') });
    expect(skep('kernel', 'stop').status).toBe(0);
  });
});

describe.skipIf(whyNoTracing() !== null)('a traced command', () => {
  it('that does not exist', () => {
    refuses(['opensnoop', '--', join(home, 'nosuch')], /^Error: cannot run .*nosuch/);
    expect(sockets()).toEqual([]);
  });

  it('ends with its watcher on Ctrl-C, whenever it comes', async () => {
    for (const wait of [50, 600, 2000]) {
      const child = spawn(process.execPath, [...SKEP, 'opensnoop', '--', 'sleep', '30'], {
        env: { ...process.env, XDG_RUNTIME_DIR: runtime },
        stdio: 'ignore',
        detached: true, // a process group of its own, as a terminal gives
      });
      const ended = new Promise<number>((resolve) => {
        child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : -1)));
      });
      await sleep(wait);
      process.kill(-child.pid!, 'SIGINT');
      expect([130, 143]).toContain(await ended);
      // The signal goes to the whole group: others of it may end a little later, but not as late as `sleep` by itself.
      await vi.waitFor(() => expect(() => process.kill(-child.pid!, 0)).toThrow(/ESRCH/), { timeout: 10_000 });
    }
    expect(sockets()).toEqual([]);
  });
});

describe('output that cannot be written', () => {
  const shell = (line: string) =>
    spawnSync('bash', ['-c', line], {
      env: { ...process.env, XDG_RUNTIME_DIR: runtime, SKEP: [process.execPath, ...SKEP].join(' ') },
      encoding: 'utf8',
    });

  it('because nobody reads any more', () => {
    const { stdout, stderr } = shell('set -o pipefail; $SKEP version | head -1; echo $?');
    expect(stdout).toMatch(/^bpftool .*\n(0|141)\n$/);
    expect(stderr).toBe('');
  });

  it.skipIf(process.platform !== 'linux')('because the disk is full', () => {
    const { status, stderr } = shell('$SKEP version > /dev/full');
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^Error: cannot write the output: ENOSPC/)]);
  });
});

describe('a full disk at build', async () => {
  const compiler = await findCompiler();
  const mounts = spawnSync('unshare', ['-m', 'true']).status === 0;

  it.skipIf(!compiler || !mounts)('leaves nothing', () => {
    const folder = join(home, 'small');
    mkdirSync(folder);
    const source = join(folder, 'a.bpf.c');
    const example = join(home, 'a.bpf.c');
    copyFileSync(join(ROOT, 'examples/hello.bpf.c'), example);
    const script = `mount -t tmpfs -o size=16k none ${folder} && cp ${example} ${source} && head -c 12k /dev/zero > ${folder}/fill;
      ${[process.execPath, ...SKEP].join(' ')} build ${source}; echo "status $?"; ls -A ${folder}`;
    const { stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', script], { encoding: 'utf8', cwd: ROOT });
    expect(stderr).toMatch(/cannot write '.*a\.bpf\.o': the disk is full/);
    expect(stdout).toBe('status 1\na.bpf.c\nfill\n');
  });
});
