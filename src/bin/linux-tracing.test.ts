/** `opensnoop` and `run` on the machine's kernel, in a mount namespace of the test's own, watching its own commands. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ownCgroup } from '../../test/support/own-cgroup.ts';
import { describeKernel } from '../../test/support/real-kernel.ts';

const SKEP = fileURLToPath(new URL('./skep.ts', import.meta.url));
const TSX = fileURLToPath(new URL('../../node_modules/tsx/dist/loader.mjs', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** A trace file system that only what runs here sees. */
const WITH_TRACEFS = 'mount -t tracefs tracefs /sys/kernel/tracing && exec "$@"';

function words(args: readonly string[], before: readonly string[] = []): [string, string[]] {
  const skep = [process.execPath, '--import', TSX, SKEP, ...args];
  return ['unshare', ['--mount', 'sh', '-c', WITH_TRACEFS, 'sh', ...before, ...skep]];
}

function skep(args: readonly string[], before: readonly string[] = []) {
  const [file, rest] = words(args, before);
  const { status, stdout, stderr } = spawnSync(file, rest, { cwd: ROOT, encoding: 'utf8', timeout: 60_000 });
  return { status, stdout, stderr };
}

const ourCgroups = () => readdirSync(ownCgroup()).filter((name) => /^skep-\d+$/.test(name));

describeKernel('tracing a command on the Linux kernel', () => {
  let dir: string;
  let cgroupsBefore: string[];
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'skep-tracing-'));
    cgroupsBefore = ourCgroups();
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it("shows the command's opens, those of what it starts, and nobody else's", () => {
    // Somebody else, who opens the same file all the while.
    const other = spawn('sh', ['-c', `while sleep 0.02; do cat ${dir}/theirs; done`], { stdio: 'ignore' });
    const script = `cat ${dir}/ours; sleep 0.3; sh -c 'cat ${dir}/deeper; true'; exit 7`;
    const { status, stdout } = skep(['opensnoop', '-e', '--kernel', 'linux', '--', 'sh', '-c', script]);
    other.kill();
    expect(status).toBe(7);
    expect(stdout).toMatch(new RegExp(`^\\S+ +cat +\\d+ +-1 +2 ${dir}/ours$`, 'm'));
    expect(stdout).toContain(`${dir}/deeper`);
    expect(stdout).not.toContain(`${dir}/theirs`);
    expect(ourCgroups()).toEqual(cgroupsBefore);
  });

  it('passes a signal on to the command, whose end becomes its own', async () => {
    const script = 'trap "exit 5" TERM; echo ready; sleep 30 & wait; exit 6';
    const [file, rest] = words(['--kernel', 'linux', 'opensnoop', '-x', '--', 'sh', '-c', script]);
    const child = spawn(file, rest, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    for await (const piece of child.stdout) {
      // Its parent is unshare, which became sh, which became skep.
      if (String(piece).includes('ready')) child.kill('SIGTERM');
    }
    expect(await ended).toBe(5);
    expect(ourCgroups()).toEqual(cgroupsBefore);
  });

  it('prints what a program sends, for its own command', () => {
    const object = join(ROOT, 'examples/opensnoop.bpf.o');
    const { status, stdout, stderr } = skep(
      ['run', object, '--kernel', 'linux', '--', 'cat', `${dir}/one`],
      // The trace pipe is not asked for: no program of the object prints.
      [],
    );
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/^cat: .*\n$/) });
    expect(stdout).toMatch(new RegExp(`^events: .*"comm": "cat", "path": "${dir}/one"`, 'm'));
  });

  it('holds what needs no command until it is told to end', async () => {
    const object = 'test/fixtures/linux/congestion.bpf.o';
    const available = () => readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'utf8');
    const [file, rest] = words(['run', object, '--kernel', 'linux']);
    const child = spawn(file, rest, { cwd: ROOT, stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await expect.poll(available, { timeout: 20_000 }).toContain('skep_written');
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(available()).not.toContain('skep_');
    const { status, stderr } = skep(['run', object, '--kernel', 'linux', '--', 'true']);
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/leave the command out\n$/) });
  });

  it('says once what cannot be attached, and what an ordinary user lacks', () => {
    const { status, stderr } = skep(['run', 'examples/pktcount.bpf.o', '--kernel', 'linux', '--', 'true']);
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/^Error: .*--device …\n$/) });
    const nobody = ['setpriv', '--reuid', '65534', '--clear-groups'];
    const refused = skep(['opensnoop', '--kernel', 'linux', '--', 'true'], nobody);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/^Error: .*user 65534 has no CAP_BPF and CAP_PERFMON.*\n$/);
    expect(ourCgroups()).toEqual(cgroupsBefore);
  });
});
