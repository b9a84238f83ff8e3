/** bpftool btf dump SRC [format raw | c [unsorted]] [root_id N]...: types as text, as JSON, or as a C header. */
import { EINVAL, ENOENT, EOPNOTSUPP, strerror } from '../../base/errno.ts';
import { SkepError } from '../../base/errors.ts';
import { type Btf, dumpC, dumpRaw, dumpRawJson, parseBtf } from '../../btf/index.ts';
import { type Args, parseU32 } from '../args.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { CommandError, errnoIn, FAILED, fail, orFail, reason, ShowUsage } from '../failure.ts';
import { takeMap, takeProg } from '../handles.ts';
import { readBtfFile } from './file.ts';

const VMLINUX = '/sys/kernel/btf/vmlinux';

interface Source {
  /** BTF read from a file, or the id of an object in the kernel. */
  readonly btf?: Btf;
  readonly id?: number;
  /** Types to show; all where empty. */
  readonly roots: number[];
}

interface Wanted {
  readonly format: 'raw' | 'c';
  readonly sorted: boolean;
}

export const dump = command<void>({
  async run(context, args) {
    needTwo(context, args);
    const base = await baseBtf(context);
    const source = await takeSource(context, args, base);
    const wanted = takeFormat(args, source.roots);
    const btf = source.btf ?? (await loadBtf(context, source.id ?? 0, base));
    for (const root of source.roots) {
      if (root >= btf.count) fail(`invalid root ID: ${root}`, 256 - EINVAL);
    }
    if (wanted.format === 'c') {
      if (context.json) fail('JSON output for C-syntax dump is not supported', 256 - EOPNOTSUPP);
      context.print(
        dumpC(btf, { sorted: wanted.sorted, ...(source.roots.length > 0 ? { rootIds: source.roots } : {}) }),
      );
    } else showRaw(context, btf, source.roots);
  },
  json: () => {},
});

/** Too few words: an error and the usage. */
function needTwo(context: Context, args: Args): void {
  if (args.left >= 2) return;
  context.printError(
    `'${args.words[args.words.length - 1 - args.left]}' needs at least 2 arguments, ${args.left} found`,
  );
  throw new ShowUsage();
}

async function baseBtf(context: Context): Promise<Btf | undefined> {
  const path = context.options.baseBtf;
  if (path === undefined) return undefined;
  try {
    return await readBtfFile(context, path);
  } catch (error) {
    return fail(`failed to parse base BTF at '${path}': ${reason(error)}`);
  }
}

async function takeSource(context: Context, args: Args, base: Btf | undefined): Promise<Source> {
  const word = args.next();
  if ('map'.startsWith(word)) {
    needTwo(context, args);
    const { info } = await takeMap(context, args);
    return { id: info.btf_id, roots: takeMapParts(args, info.btf_key_type_id, info.btf_value_type_id) };
  }
  if ('prog'.startsWith(word)) {
    needTwo(context, args);
    const { info } = await takeProg(context, args);
    return { id: info.btf_id, roots: [] };
  }
  if ('id'.startsWith(word)) return { id: parseU32(args, 'ID'), roots: [] };
  if ('file'.startsWith(word)) return { btf: await takeFiles(context, args, base), roots: [] };
  return fail(`unrecognized BTF source specifier: '${word}'`);
}

/** `key`, `value`, `kv` (as without a word) or `all`: which types of a map to show. */
function takeMapParts(args: Args, key: number, value: number): number[] {
  const both = [key, value].filter((id) => id !== 0);
  if (args.take('key')) return [key];
  if (args.take('value')) return [value];
  if (args.take('all')) return [];
  args.take('kv');
  return both;
}

async function takeFiles(context: Context, args: Args, base: Btf | undefined): Promise<Btf> {
  // bpftool says of the kernel's own types that it takes them as what others build on.
  if (args.peek() === VMLINUX && !context.json) context.note(`skipping ${VMLINUX} (will be loaded as base)\n`);
  let btf = await readOrFail(context, args.next(), base);
  while (args.left > 0 && args.take('file')) btf = await readOrFail(context, args.next(), btf);
  return btf;
}

async function readOrFail(context: Context, path: string, base: Btf | undefined): Promise<Btf> {
  try {
    return await readBtfFile(context, path, base);
  } catch (error) {
    if (!(error instanceof SkepError)) throw error;
    const errno = errnoIn(error);
    throw new CommandError(
      `failed to load BTF from ${path}: ${reason(error)}`,
      errno === undefined ? FAILED : -errno & 0xff,
    );
  }
}

function takeFormat(args: Args, roots: number[]): Wanted {
  let format: Wanted['format'] = 'raw';
  let sorted = true;
  while (args.left > 0) {
    if (args.take('format')) {
      const word = args.peek();
      if (word === undefined) fail("expecting value for 'format' option\n", 256 - EINVAL);
      if (word !== 'c' && word !== 'raw') {
        fail(`unrecognized format specifier: '${word}', possible values: raw, c`, 256 - EINVAL);
      }
      format = word;
      args.next();
    } else if (args.take('root_id')) {
      roots.push(parseU32(args, 'root ID'));
    } else if (args.take('unsorted')) {
      sorted = false;
    } else {
      fail(`unrecognized option: '${args.peek()}'`, 256 - EINVAL);
    }
  }
  return { format, sorted };
}

async function loadBtf(context: Context, id: number, base: Btf | undefined): Promise<Btf> {
  const bpf = await context.bpf();
  if (id === 0) fail(`get btf by id (0): ${strerror(ENOENT)}`, 256 - ENOENT);
  const ask = bpf.withFd(bpf.btfById(id), (fd) => bpf.btfInfo(fd, { bytes: true }));
  const info = await orFail(`get btf by id (${id})`, ask, true);
  return parseBtf(info.btf, base ? { base } : {});
}

function showRaw(context: Context, btf: Btf, roots: readonly number[]): void {
  const options = roots.length > 0 ? { ids: roots } : {};
  if (!context.json) {
    // Type 0 is void: it has a line of its own where it is asked for.
    const lines = [...(roots.includes(0) ? ["[0] UNKNOWN '(anon)'"] : []), ...dumpRaw(btf, options)];
    context.print(lines.map((line) => `${line}\n`).join(''));
    return;
  }
  const writer = context.json.startObject().name('types').startArray();
  if (roots.includes(0)) writer.value({ id: 0, kind: 'UNKNOWN', name: '(anon)' });
  for (const type of dumpRawJson(btf, options)) writer.value(type);
  writer.endArray().endObject();
}
