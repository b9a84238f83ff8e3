/** The command as people run it: processes of their own, with a runtime directory of their own. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whyNoTracing } from '../sources/index.ts';
import { findCompiler } from './build/find-compiler.ts';

const SKEP = fileURLToPath(new URL('./skep.ts', import.meta.url));
const TSX = fileURLToPath(new URL('../../node_modules/tsx/dist/loader.mjs', import.meta.url));
const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));

let home: string;

function skep(args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', TSX, SKEP, ...args], {
    env: { ...process.env, XDG_RUNTIME_DIR: home, ...env },
    encoding: 'utf8',
    timeout: 50_000,
  });
  return { status, stdout, stderr };
}

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'skep-test-'));
  chmodSync(home, 0o700);
});
afterAll(() => {
  skep(['kernel', 'stop']);
  rmSync(home, { recursive: true, force: true });
});

describe('the user’s kernel', () => {
  it('starts when a command needs it, keeps what it makes, and ends when told to', () => {
    expect(skep(['kernel', 'status'])).toMatchObject({ status: 1, stdout: 'no kernel is running\n' });
    const made = skep('map create /sys/fs/bpf/m type array key 4 value 4 entries 1 name kept'.split(' '));
    expect(made).toEqual({
      status: 0,
      stdout: '',
      stderr: 'skep: started your embedded kernel (skep kernel status)\n',
    });
    const shown = skep(['map', 'show', 'name', 'kept']);
    expect(shown).toMatchObject({ status: 0, stderr: '' });
    expect(shown.stdout).toMatch(/^1: array {2}name kept {2}flags 0x0\n/);
    expect(skep(['kernel', 'start'])).toMatchObject({ status: 1, stderr: expect.stringContaining('running already') });
    expect(skep(['kernel', 'status']).stdout).toMatch(/^your kernel \(pid \d+\): progs 0, maps 1/);
    expect(skep(['kernel', 'stop'])).toMatchObject({ status: 0 });
    expect(skep(['kernel', 'stop'])).toMatchObject({ status: 1, stderr: 'Error: your kernel is not running\n' });
  });

  it('is not needed for what needs none', () => {
    expect(skep(['version'])).toMatchObject({ status: 0, stderr: '' });
    expect(skep(['kernel', 'status']).status).toBe(1);
  });

  it('says so where a socket leads nowhere', () => {
    const { status, stderr } = skep(['--kernel', join(home, 'none.sock'), 'prog']);
    expect(status).toBe(255);
    expect(stderr).toMatch(/no kernel at '.*none.sock': there is nothing at that path/);
  });
});

describe.skipIf(whyNoTracing() !== null)('tracing a command', () => {
  it('prints what a program prints, and passes the exit status on', () => {
    const { status, stdout } = skep(['run', join(EXAMPLES, 'hello.bpf.o'), '--', 'sh', '-c', 'cat /dev/null; exit 7']);
    expect(status).toBe(7);
    expect(stdout).toMatch(/^ +(cat|sh)-\d+ .*: bpf_trace_printk: Hello, World!$/m);
  });

  it('lists the files that are opened', () => {
    const { status, stdout } = skep(['opensnoop', '--', 'cat', '/dev/null', '/nonexistent']);
    expect(status).toBe(1);
    const [head, ...rows] = stdout.split('\n');
    expect(head).toBe('TIME(s)        COMM             PID     FILE');
    expect(rows.some((row) => /^0\.\d{9} {4}cat {14}\d+ +\/dev\/null$/.test(row))).toBe(true);
    const failed = skep(['opensnoop', '-x', '--', 'cat', '/nonexistent']).stdout;
    expect(failed).toMatch(/^0\.\d{9} {4}cat {14}\d+ +-1 {3}2 \/nonexistent$/m);
  });

  it('says what is wrong with a command that is not there', () => {
    const { status, stdout, stderr } = skep(['opensnoop', '--', '/no/such/command']);
    expect(status).not.toBe(0);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^Error: .*\/no\/such\/command/);
  });

  it('wants to know what to trace', () => {
    expect(skep(['opensnoop'])).toMatchObject({ status: 1, stderr: expect.stringContaining('-- COMMAND') });
    expect(skep(['run', join(EXAMPLES, 'pktcount.bpf.o'), '--', 'true']).stderr).toContain('--device');
  });
});

describe('packets of a capture', () => {
  it.skipIf(!existsSync(join(EXAMPLES, 'mixed.pcap')))('go through a program, and its maps are shown', () => {
    const { status, stdout } = skep(['run', join(EXAMPLES, 'pktcount.bpf.o'), '--pcap', join(EXAMPLES, 'mixed.pcap')]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^xdp \w+: \d+ packets, \d+ bytes: .*XDP_PASS \d+/);
    expect(stdout).toMatch(/^counts:\n {2}\d+: \[\{"packets": \d+, "bytes": \d+\}/m);
  });

  it('entries of maps can be set before, by their types', () => {
    const run = ['run', join(EXAMPLES, 'pktcount.bpf.o'), '--pcap', join(EXAMPLES, 'mixed.pcap')];
    expect(skep([...run, '--set', 'drop_ports:53=1']).stdout).toMatch(/^xdp \w+: .*XDP_DROP \d+/);
    const refused = skep([...run, '--set', 'drop_ports:99999=1']);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^Error: --set drop_ports:99999=1: .*0 to 65535/);
  });
});

describe('skep build', async () => {
  const compiler = await findCompiler();
  const source = 'int f(void) { return 0; }\n__attribute__((section("license"), used)) char L[] = "GPL";\n';

  it.skipIf(!compiler)('makes an object', () => {
    const file = join(home, 'a.bpf.c');
    writeFileSync(file, source);
    expect(skep(['build', file])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(readFileSync(join(home, 'a.bpf.o')).subarray(1, 4).toString()).toBe('ELF');
  });

  it.skipIf(!compiler)('leaves what was there when the compiler refuses', () => {
    const file = join(home, 'b.bpf.c');
    writeFileSync(file, 'int f(');
    writeFileSync(join(home, 'b.bpf.o'), 'old');
    const { status, stderr } = skep(['build', file]);
    expect(status).toBe(1);
    expect(stderr).toContain('nothing was written');
    expect(readFileSync(join(home, 'b.bpf.o'), 'utf8')).toBe('old');
  });

  it('says how to get a compiler where there is none', () => {
    writeFileSync(join(home, 'c.bpf.c'), source);
    const { status, stderr } = skep(['build', join(home, 'c.bpf.c')], { PATH: home, XDG_CACHE_HOME: home });
    expect(status).toBe(1);
    expect(stderr).toMatch(/no clang of version 11 or newer.*--get-clang/);
  });
});
