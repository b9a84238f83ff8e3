/** Attaching to static probes (USDT): a uprobe at every site of the probe, with the number of its record as cookie. */
import { probeSites } from '../object/index.ts';
import { onEvent } from './attach-link.ts';
import { AttachError, type AttachOptions, type UsdtTarget } from './attach-options.ts';
import { type BpfLink, ManyLinks } from './link.ts';
import { Owned } from './owned.ts';
import type { BpfProgram } from './program.ts';
import { openTarget } from './target-file.ts';
import { USDT_SPECS_MAP } from './usdt-specs.ts';

/** SEC("usdt/FILE:PROVIDER:NAME"). */
export async function staticProbe(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const { path, provider, name, pid, buildId } = usdtTarget(program, options);
  const { specs } = program;
  if (!specs) {
    throw new AttachError(
      program,
      `its object has no map ${USDT_SPECS_MAP}: include <bpf/usdt.bpf.h> and read an argument`,
    );
  }
  const target = await openTarget(program, options, path, buildId);
  const sites = probeSites(target.file, provider, name);
  if (sites.length === 0) throw new AttachError(program, `${target.path} has no probe ${provider}:${name}`);
  return Owned.build(async (owned) => {
    const links: BpfLink[] = [];
    for (const { offset, semaphore, args } of sites) {
      const id = await specs.take(args, target.file.machine, options.cookie ?? 0n);
      owned.add(async () => specs.release(id));
      const place = { kind: 'uprobe', path: target.path, offset, refCtrOffset: semaphore } as const;
      const link = await onEvent(program, { ...place, ...(pid === undefined ? {} : { pid }) }, BigInt(id));
      owned.add(() => link.close());
      links.push(link);
    }
    return new ManyLinks(links, owned);
  });
}

/** What the section says, with what the caller says over it. */
function usdtTarget(program: BpfProgram, { usdt }: AttachOptions): UsdtTarget {
  const said = /^(.+):([^:]+):([^:]+)$/.exec(program.origin.attachTo);
  const [, path, provider, name] = said ?? [];
  const target = { path, provider, name, ...usdt };
  if (target.path !== undefined && target.provider !== undefined && target.name !== undefined) {
    return { ...target, path: target.path, provider: target.provider, name: target.name };
  }
  throw new AttachError(
    program,
    'say which probe: SEC("usdt//path/to/file:provider:name") or attach({ usdt: { path, provider, name } })',
    'usdt',
  );
}
