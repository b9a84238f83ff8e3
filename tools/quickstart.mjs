/**
 * npm run quickstart: from a fresh clone to real events of a real process, then what to try next. Where a machine cannot
 * trace processes, it says why and shows what works everywhere.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, fail, install, ROOT, requireNode } from './house/steps.mjs';

requireNode();
await install();
await build();

const skep = join(ROOT, 'dist', 'bin', 'skep.js');
const bold = process.stdout.isTTY ? (text) => `\x1b[1m${text}\x1b[0m` : (text) => text;
/** A kernel of its own, so that nothing of this is left in the user's. */
const runtime = mkdtempSync(join(tmpdir(), 'skep-quickstart-'));
process.on('exit', () => {
  run(['kernel', 'stop']);
  rmSync(runtime, { recursive: true, force: true });
});
/** Lines of a command's output that are shown; the rest is counted. */
const LINES = 24;
const TIMEOUT_MS = 30_000;

/** Runs a command of skep's. With LC_ALL=C, which spares the many files that a program opens for its language. */
function run(args) {
  return spawnSync(process.execPath, [skep, ...args], {
    cwd: ROOT,
    env: { ...process.env, LC_ALL: 'C', XDG_RUNTIME_DIR: runtime },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  });
}

/** Shows a command as one would type it and what it says; answers why it failed, or undefined. */
function show(...args) {
  console.log(bold(`$ npx skep ${args.map((a) => (/^[\w./:=-]+$/.test(a) ? a : `'${a}'`)).join(' ')}`));
  const { status, stdout, stderr } = run(args);
  const lines = stdout.trimEnd().split('\n');
  if (stdout !== '') console.log(lines.slice(0, LINES).join('\n'));
  if (lines.length > LINES) console.log(`… ${lines.length - LINES} more lines`);
  if (stderr !== '') console.log(stderr.trimEnd());
  return status === 0 ? undefined : stderr.trim() || `it ended with status ${status}`;
}

/** Why processes cannot be traced here; undefined where they can. Asked of the thing itself. */
function whyNoTracing() {
  const { status, stderr } = run(['opensnoop', '--', process.execPath, '--version']);
  return status === 0 ? undefined : stderr.replace(/^Error: /, '').trim() || 'tracing a command did not come to an end';
}

const noTracing = whyNoTracing();
if (noTracing === undefined) {
  console.log('\nAn eBPF program, verified and compiled to WebAssembly, sees which files a command opens. No root:\n');
  show('opensnoop', '--', 'sh', '-c', 'cat /etc/hostname; node -e 0');
  console.log('\nThe first program of every eBPF book, on a kprobe:\n');
  show('run', 'examples/hello.bpf.o', '--', 'cat', '/etc/hostname');
} else {
  console.log(`\nProcesses cannot be traced here: ${noTracing}\nPackets work everywhere.`);
}
console.log('\nAn XDP program over the packets of a capture file; it drops what goes to port 53:\n');
const failed = show(...['run', 'examples/pktcount.bpf.o', '--pcap', 'examples/mixed.pcap', '--set', 'drop_ports:53=1']);
console.log('\nWhat the verifier left of a program, with the lines of its source:\n');
show('prog', 'load', 'examples/pktcount.bpf.o', '/sys/fs/bpf/quickstart');
show('prog', 'dump', 'xlated', 'pinned', '/sys/fs/bpf/quickstart');
if (failed !== undefined)
  fail(`\nThe last but one did not work: ${failed}\n\`npm test\` says more about this machine.`);

const tracing = `  npx skep opensnoop -- bash              trace a whole shell; in a second terminal meanwhile:
  npx skep prog show                      the loaded programs, as bpftool shows them
  npx skep prog dump xlated name enter_openat
  npx skep perf                           which process holds which probe
`;
console.log(`
${bold('What to try next')}
${noTracing === undefined ? tracing : ''}  npx skep build my.bpf.c                 compile a program of your own
  npx skep feature probe                  what the embedded kernel offers
  docs/                                   a page for each example, and how it all works
`);
