/**
 * How the command line names objects: `id N`, `pinned FILE`, `name NAME`, for programs also `tag TAG`. A name or tag may
 * stand for several. Descriptors belong to the context, which closes them when the command ends.
 */

import { fromHex, toHex } from '../base/bytes.ts';
import { EACCES, EINVAL, ENOENT } from '../base/errno.ts';
import type { Fd } from '../sys/index.ts';
import type { LinkInfo, MapInfo, ProgInfo } from '../uapi/infos.ts';
import { type Args, parseU32 } from './args.ts';
import type { Context } from './context.ts';
import { CommandError, errnoIn, FAILED, fail, failSilently, orFail, reason, statusOf } from './failure.ts';

/** bpf_obj names are `char[16]`. */
const NAME_LEN = 16;
const TAG_SIZE = 8;

export interface Found<I> {
  readonly fd: Fd;
  readonly info: I;
}

export type Kind = 'prog' | 'map' | 'link';

/** The programs that the next words name; at least one. */
export async function takeProgs(context: Context, args: Args): Promise<Found<ProgInfo>[]> {
  const bpf = await context.bpf();
  if (args.take('id')) {
    const id = parseU32(args, 'ID');
    const fd = context.own(await orFail(`get by id (${id})`, bpf.progById(id)));
    return [{ fd, info: await orFail("can't get prog info", bpf.progInfo(fd)) }];
  }
  if (args.take('tag')) {
    const tag = fromHex(args.next());
    if (tag?.length !== TAG_SIZE) fail("can't parse tag");
    const wanted = toHex(tag);
    return atLeastOne(
      context,
      await everyProg(context, (info) => toHex(info.tag) === wanted),
      `program with tag ${wanted}`,
    );
  }
  if (args.take('name')) {
    const name = takeName(args);
    return atLeastOne(context, await everyProg(context, (info) => info.name === name), `program named '${name}'`);
  }
  if (args.take('pinned')) {
    const fd = await openPinned(context, args.next(), 'prog');
    return [{ fd, info: await bpf.progInfo(fd) }];
  }
  return fail(`expected 'id', 'tag', 'name' or 'pinned', got: '${args.peek() ?? '(null)'}'?`);
}

export async function takeProg(context: Context, args: Args): Promise<Found<ProgInfo>> {
  return only(await takeProgs(context, args), 'several programs match this handle');
}

/** The maps that the next words name; at least one. */
export async function takeMaps(context: Context, args: Args): Promise<Found<MapInfo>[]> {
  const bpf = await context.bpf();
  if (args.take('id')) {
    const id = parseU32(args, 'ID');
    const fd = context.own(await orFail(`get map by id (${id})`, bpf.mapById(id)));
    return [{ fd, info: await orFail("can't get map info", bpf.mapInfo(fd)) }];
  }
  if (args.take('name')) {
    const name = takeName(args);
    return atLeastOne(context, await everyMap(context, (info) => info.name === name), `map named '${name}'`);
  }
  if (args.take('pinned')) {
    const fd = await openPinned(context, args.next(), 'map');
    return [{ fd, info: await bpf.mapInfo(fd) }];
  }
  return fail(`expected 'id', 'name' or 'pinned', got: '${args.peek() ?? '(null)'}'?`);
}

export async function takeMap(context: Context, args: Args): Promise<Found<MapInfo>> {
  return only(await takeMaps(context, args), 'several maps match this handle');
}

export async function takeLink(context: Context, args: Args): Promise<Found<LinkInfo>> {
  const bpf = await context.bpf();
  let fd: Fd;
  if (args.take('id')) {
    const id = parseU32(args, 'ID');
    fd = context.own(await orFail(`failed to get link with ID ${id}`, bpf.linkById(id), true));
  } else if (args.take('pinned')) {
    fd = await openPinned(context, args.next(), 'link');
  } else {
    fail(`expected 'id' or 'pinned', got: '${args.peek() ?? '(null)'}'?`);
  }
  return { fd, info: await orFail("can't get link info", bpf.linkInfo(fd)) };
}

/** Every program that `keep` accepts, in the order of ids. */
export async function everyProg(context: Context, keep: (info: ProgInfo) => boolean = () => true) {
  const bpf = await context.bpf();
  return every(
    context,
    bpf.progIds(),
    (id) => bpf.progById(id),
    (fd) => bpf.progInfo(fd),
    keep,
    'prog',
  );
}

export async function everyMap(context: Context, keep: (info: MapInfo) => boolean = () => true) {
  const bpf = await context.bpf();
  return every(
    context,
    bpf.mapIds(),
    (id) => bpf.mapById(id),
    (fd) => bpf.mapInfo(fd),
    keep,
    'map',
  );
}

export async function everyLink(context: Context) {
  const bpf = await context.bpf();
  return every(
    context,
    bpf.linkIds(),
    (id) => bpf.linkById(id),
    (fd) => bpf.linkInfo(fd),
    () => true,
    'link',
  );
}

/** The object pinned at a path, which has to be of that kind. */
async function openPinned(context: Context, path: string, kind: Kind): Promise<Fd> {
  const bpf = await context.bpf();
  let fd: Fd;
  try {
    fd = context.own(await bpf.objGet(path));
  } catch (error) {
    const outside = errnoIn(error) === EACCES;
    fail(
      `bpf obj get (${path}): ${outside ? 'directory not in bpf file system (bpffs)' : reason(error)}`,
      FAILED,
      error,
    );
  }
  const found = await kindOf(context, fd);
  if (found !== kind) fail(`incorrect object type: ${found}`);
  return fd;
}

/** What a descriptor stands for. Each kind says its type in its fdinfo, under its own name. */
async function kindOf(context: Context, fd: Fd): Promise<Kind | 'unknown'> {
  const lines = await (await context.kernel()).fdInfo(fd);
  // A prog array names its owner's program type too, and a link its program's: the most specific comes first.
  return (['link', 'map', 'prog'] as const).find((kind) => `${kind}_type` in lines) ?? 'unknown';
}

async function every<I>(
  context: Context,
  ids: AsyncIterable<number>,
  open: (id: number) => Promise<Fd>,
  infoOf: (fd: Fd) => Promise<I>,
  keep: (info: I) => boolean,
  what: string,
): Promise<Found<I>[]> {
  const out: Found<I>[] = [];
  const list = listed(ids, what);
  const bpf = await context.bpf();
  for await (const id of list) {
    let fd: Fd;
    try {
      fd = await open(id);
    } catch (error) {
      // It went away between the list and now.
      if (errnoIn(error) === ENOENT) continue;
      fail(`can't get ${what} by id (${id}): ${reason(error)}`, FAILED, error);
    }
    const info = await infoOf(fd);
    if (keep(info)) out.push({ fd: context.own(fd), info });
    else await bpf.close(fd);
  }
  return out;
}

/** The ids, with the refusal of the first one said as bpftool says it. */
async function* listed(ids: AsyncIterable<number>, what: string): AsyncGenerator<number> {
  try {
    yield* ids;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const old = errnoIn(error) === EINVAL ? ' -- kernel too old?' : '';
    throw new CommandError(
      `can't get next ${what}: ${reason(error)}${old}`,
      what === 'link' ? statusOf(error) : FAILED,
      error,
    );
  }
}

function takeName(args: Args): string {
  const name = args.next();
  if (name.length > NAME_LEN - 1) fail("can't parse name");
  return name;
}

/** Where nothing has the name, bpftool ends without a word, and scripts rely on that; a person at a terminal is told. */
function atLeastOne<T>(context: Context, found: T[], what: string): T[] {
  if (found.length > 0) return found;
  if (context.io.isTerminal) context.note(`skep: there is no ${what} in this kernel\n`);
  return failSilently();
}

function only<T>(found: T[], several: string): T {
  return found.length === 1 ? found[0]! : fail(several);
}
