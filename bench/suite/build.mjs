/** Compiles programs.c into programs.bpf.o, which is kept. Needs clang with the BPF target and libbpf's headers. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const version = process.argv[2] ?? '19';
const here = import.meta.dirname;
const object = join(here, 'programs.bpf.o');
const flags = ['-O2', '-g', '-target', 'bpf', '-mcpu=v3', '-fno-unroll-loops', '-I/usr/include/x86_64-linux-gnu'];
execFileSync(`clang-${version}`, [...flags, '-c', join(here, 'programs.c'), '-o', object], { stdio: 'inherit' });
execFileSync(`llvm-strip-${version}`, ['-g', object]);
