#!/usr/bin/env node
import { runBpftool } from '../bpftool/index.ts';
import { nodeIo } from './node-io.ts';

process.exitCode = await runBpftool(process.argv.slice(2), {
  io: nodeIo(new AbortController().signal),
  openKernel: () => Promise.reject(new Error('no kernel yet')),
});
