/**
 * npm run quickstart: from a fresh clone to real events of a real process, then what to try next.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build, fail, install, ROOT, requireNode } from './house/steps.mjs';

requireNode();
await install();
await build();

const skep = join(ROOT, 'dist', 'bin', 'skep.js');
const bold = process.stdout.isTTY ? (text) => `\x1b[1m${text}\x1b[0m` : (text) => text;

/** Shows a command as one would type it, then runs it. */
function show(...args) {
  console.log(`\n${bold(`$ npx skep ${args.map((a) => (/^[\w./:=-]+$/.test(a) ? a : `'${a}'`)).join(' ')}`)}`);
  const { status } = spawnSync(process.execPath, [skep, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return status === 0;
}

const tracing = process.platform === 'linux' && existsSync(join(ROOT, 'node_modules', 'koffi'));
let ok = true;
if (tracing) {
  console.log('\nAn eBPF program, verified and compiled to WebAssembly, watching the files that a command opens:');
  ok = show('opensnoop', '--', 'sh', '-c', 'cat /etc/hostname; node -e 0');
  console.log('\nThe first program of every eBPF book, on a kprobe, without root:');
  ok = show('run', 'examples/hello.bpf.o', '--', 'cat', '/etc/hostname') && ok;
} else {
  console.log('\nTracing processes needs Linux and the optional package koffi; packets work everywhere:');
}
console.log('\nAn XDP program over packets from a capture file:');
ok = show('run', 'examples/pktcount.bpf.o', '--pcap', 'examples/mixed.pcap') && ok;
if (!ok) fail('\nSomething above did not work. `npm test` says more about what this machine lacks.');

console.log(`
${bold('What to try next')}
  npx skep opensnoop -- bash            trace a whole shell; in a second terminal meanwhile:
  npx skep prog show                      the loaded programs, as bpftool shows them
  npx skep prog dump xlated name enter_openat
  npx skep map dump name calls
  npx skep perf                           which process holds which probe
  npx skep build my.bpf.c                 compile a program of your own
  docs/                                   a page for each example, and how it all works
`);
