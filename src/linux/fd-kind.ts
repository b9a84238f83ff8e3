/** What an open file is: /proc names the BPF objects of this process (`anon_inode:bpf-map`). */
import { readlinkSync } from 'node:fs';
import type { Fd } from '../sys/index.ts';

export type FdKind = 'prog' | 'map' | 'link' | 'btf' | 'other';

const NAMES: readonly (readonly [pattern: RegExp, kind: FdKind])[] = [
  [/^anon_inode:\[?bpf-prog/, 'prog'],
  [/^anon_inode:\[?bpf-map/, 'map'],
  [/^anon_inode:\[?bpf[-_]link/, 'link'],
  // What RAW_TRACEPOINT_OPEN gave before it was a link (Linux 5.8).
  [/^anon_inode:\[?bpf-raw-tracepoint/, 'link'],
  [/^anon_inode:\[?btf/, 'btf'],
];

/** undefined where the descriptor is not open, or there is no /proc to say so. */
export function kindOfFd(fd: Fd): FdKind | undefined {
  let name: string;
  try {
    name = readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
  return NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? 'other';
}
