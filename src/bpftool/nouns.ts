/**
 * The objects of the command line in bpftool's order: the first that a word begins is meant (`p` is prog, `b` is batch).
 * `help`, `batch` and `version` are commands of their own; main.ts and batch/ run them.
 */
import type { Noun } from './command.ts';

export const NOUNS: Readonly<Record<string, (() => Promise<Noun>) | null>> = {
  help: null,
  batch: null,
  prog: () => import('./prog/index.ts').then((m) => m.prog),
  map: () => import('./map/index.ts').then((m) => m.map),
  link: () => import('./link/index.ts').then((m) => m.link),
  cgroup: () => import('./cgroup/index.ts').then((m) => m.cgroup),
  perf: () => import('./perf/index.ts').then((m) => m.perf),
  net: () => import('./net/index.ts').then((m) => m.net),
  feature: () => import('./feature/index.ts').then((m) => m.feature),
  btf: () => import('./btf/index.ts').then((m) => m.btf),
  gen: () => import('./gen/index.ts').then((m) => m.gen),
  struct_ops: () => import('./struct_ops/index.ts').then((m) => m.structOps),
  iter: () => import('./iter/index.ts').then((m) => m.iter),
  token: () => import('./token/index.ts').then((m) => m.token),
  version: null,
};
