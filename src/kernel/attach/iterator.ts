/** Iterators: the link that says what a program goes through, and the descriptors that are read. */
import { EINVAL } from '../../base/errno.ts';
import { bug, UnsupportedError } from '../../base/errors.ts';
import { BPF_LINK_TYPE_ITER } from '../../uapi/generated/constants.ts';
import type { Client } from '../client.ts';
import { Iterator } from '../iter/iterator.ts';
import { TARGETS, targetName, type Walk } from '../iter/targets.ts';
import { Link, type LinkTarget } from '../objects/link.ts';
import type { LoadedProg } from '../objects/prog.ts';

interface IteratorTarget extends LinkTarget {
  readonly walk: Walk;
}

export function linkIterator(
  client: Client,
  prog: LoadedProg,
  target: number,
  flags: number,
  info: Uint8Array,
): number {
  if (target !== 0 || flags !== 0) return -EINVAL;
  const name = targetName(client.core, prog);
  if (typeof name === 'number') return name;
  const make = TARGETS.get(name);
  if (make === undefined) throw new UnsupportedError(`iterating over ${name} in the embedded kernel`);
  const walk = make(client, prog, info);
  if (typeof walk === 'number') return walk;
  const kind: IteratorTarget = {
    type: BPF_LINK_TYPE_ITER,
    detachable: false,
    updatable: true,
    detach: () => walk.release?.(),
    describe: () => ({ iter: { target_name: name, ...walk.info } }),
    fdInfo: () => ({ target_name: name, ...walk.fdInfo }),
    walk,
  };
  const link = new Link(client.core.links, kind, (linkId) => ({ prog: prog.hold(), cookie: 0n, linkId }));
  return client.fds.install(link);
}

/** A descriptor that is read, or -EINVAL where the link is no iterator's. */
export function createIterator(client: Client, linkFd: number, flags: number): number {
  const link = client.object('link', linkFd);
  if (typeof link === 'number') return link;
  if (flags !== 0 || link.target.type !== BPF_LINK_TYPE_ITER) return -EINVAL;
  const { walk } = link.target as IteratorTarget;
  if (walk === undefined) bug('an iterator link without what it goes through');
  return client.fds.install(new Iterator(client.core, link, walk));
}
