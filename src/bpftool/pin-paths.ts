/** Where objects are pinned (`-f`): a walk over every bpf file system. */
import { Bpf, type Kernel } from '../sys/index.ts';
import type { Context } from './context.ts';
import type { Kind } from './handles.ts';

/** Deepest directory that is looked into. */
const MAX_DEPTH = 64;

/** Object id -> the paths it is pinned at; undefined without `-f`. */
export type PinPaths = ReadonlyMap<number, readonly string[]> | undefined;

export async function pinPaths(context: Context, kind: Kind): Promise<PinPaths> {
  if (!context.options.showPinned) return undefined;
  const kernel = await context.kernel();
  const found = new Map<number, string[]>();
  for (const mount of await kernel.bpffs.mounts()) {
    for await (const path of pinsBelow(kernel, mount, kind, 0)) {
      const id = await idAt(kernel, path, kind);
      if (id === undefined) continue;
      const paths = found.get(id);
      if (paths) paths.push(path);
      else found.set(id, [path]);
    }
  }
  return found;
}

async function* pinsBelow(kernel: Kernel, directory: string, kind: Kind, depth: number): AsyncGenerator<string> {
  if (depth > MAX_DEPTH) return;
  for (const entry of await kernel.bpffs.list(directory)) {
    const path = `${directory}/${entry.name}`;
    if (entry.kind === 'directory') yield* pinsBelow(kernel, path, kind, depth + 1);
    else if (entry.kind === kind) yield path;
  }
}

async function idAt(kernel: Kernel, path: string, kind: Kind): Promise<number | undefined> {
  const bpf = new Bpf(kernel);
  try {
    return await bpf.withFd(bpf.objGet(path), async (fd) => {
      const { info } = await bpf.call('OBJ_GET_INFO_BY_FD', { bpf_fd: fd, info: { of: kind } });
      return info.id;
    });
  } catch {
    return undefined; // unpinned meanwhile
  }
}
