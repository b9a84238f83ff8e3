/** Compiles programs.c and writes the bytecode of each program into programs.json, as hex. Needs clang with the BPF target. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const version = process.argv[2] ?? '19';
const here = import.meta.dirname;
const work = mkdtempSync(join(tmpdir(), 'skep-bench-'));
try {
  const source = readFileSync(join(here, 'programs.c'), 'utf8');
  const names = [...source.matchAll(/^PROGRAM\((\w+)\)/gm)].map((m) => m[1]);
  const object = join(work, 'programs.o');
  const flags = ['-O2', '-target', 'bpf', '-mcpu=v3', '-fno-unroll-loops'];
  execFileSync(`clang-${version}`, [...flags, '-c', join(here, 'programs.c'), '-o', object]);
  const programs = {};
  for (const name of names) {
    const section = join(work, name);
    execFileSync(`llvm-objcopy-${version}`, [`--dump-section=bench/${name}=${section}`, object, join(work, 'copy.o')]);
    programs[name] = readFileSync(section).toString('hex');
  }
  writeFileSync(join(here, 'programs.json'), `${JSON.stringify(programs, null, 2)}\n`);
} finally {
  rmSync(work, { recursive: true });
}
