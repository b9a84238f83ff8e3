/** Pins: where they may stand, and the verb `pin` that programs, maps and links share. */
import { EINVAL } from '../base/errno.ts';
import type { Fd, Kernel } from '../sys/index.ts';
import type { Args } from './args.ts';
import { command, type Verb } from './command.ts';
import type { Context } from './context.ts';
import { fail, orFail } from './failure.ts';

/** `pin OBJECT FILE`. */
export function pinVerb(take: (context: Context, args: Args) => Promise<{ fd: Fd }>): Verb {
  return command({
    async run(context, args): Promise<void> {
      args.need(3, 256 - EINVAL);
      const { fd } = await take(context, args);
      await pinAt(context, fd, args.next());
    },
  });
}

/** Pins a descriptor. The path must be free, and its directory is made in the bpf file system where it is missing. */
export async function pinAt(context: Context, fd: Fd, path: string): Promise<void> {
  const bpf = await context.bpf();
  await makeRoom(context, path);
  await orFail(`can't pin the object (${path})`, bpf.objPin(path, fd), true);
}

/** Checks that nothing is at `path` and that it is in a bpf file system, whose missing directories are made. */
export async function makeRoom(context: Context, path: string): Promise<void> {
  const kernel = await context.kernel();
  if (await kernel.bpffs.stat(path).catch(() => null)) {
    fail(`can't pin BPF object: path '${path}' already exists`);
  }
  await makeDirectories(context, kernel, directoryOf(path), path);
}

/** Makes `directory` and what is missing above it. */
export async function makeDirectories(
  context: Context,
  kernel: Kernel,
  directory: string,
  forPath: string,
): Promise<void> {
  const mounts = await kernel.bpffs.mounts();
  const mount = mounts.find((at) => directory === at || directory.startsWith(`${at}/`));
  if (mount === undefined) {
    if (context.options.noMount) fail('no BPF file system found, not mounting it due to --nomount option');
    fail(`can't pin the object (${forPath}): directory not in bpf file system (bpffs): ${mounts.join(', ')}`);
  }
  let at = mount;
  for (const name of directory.slice(mount.length).split('/').filter(Boolean)) {
    at += `/${name}`;
    if (await kernel.bpffs.stat(at)) continue;
    await orFail(`can't create dir ${at}`, kernel.bpffs.mkdir(at));
  }
}

function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}
