/**
 * bpftool prog load OBJ PATH …, prog loadall OBJ DIR …: loads an object and pins its first program, or all of them.
 *
 *     [type TYPE] [map { idx N | name NAME } MAP]... [pinmaps DIR] [autoattach] [kernel_btf FILE]
 */

import { errnoName } from '../../base/errno.ts';
import { type BpfError, SkepError, UnsupportedError, VerifierError } from '../../base/errors.ts';
import type { Btf } from '../../btf/index.ts';
import { type BpfLink, BpfMap, type BpfProgram, type Collection, loadCollection } from '../../client/index.ts';
import { type CollectionSpec, sectionMeaning } from '../../object/index.ts';
import { BPF_LOG_LEVEL1, BPF_LOG_LEVEL2, BPF_LOG_STATS } from '../../uapi/flags.ts';
import { type Args, parseU32 } from '../args.ts';
import { readBtfFile } from '../btf/file.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { fail, orFail, reason } from '../failure.ts';
import { takeMap } from '../handles.ts';
import { deviceIndex } from '../net-device.ts';
import { openObject, parse } from '../object-file.ts';
import { makeDirectories, makeRoom } from '../pinning.ts';

interface Request {
  object: string;
  path: string;
  type?: { type: number; attachType: number };
  /** Replacements: by the map's place in the object, or by its name. */
  replaced: { which: number | string; fd: number }[];
  pinMaps?: string;
  autoAttach: boolean;
  kernelBtf?: Btf;
  /** Of `xdpmeta_dev`. */
  boundDevice?: number;
}

/** Instructions, the states around them, and what it cost: what libbpf asks for. */
const ALL_LOGS = BPF_LOG_LEVEL1 | BPF_LOG_LEVEL2 | BPF_LOG_STATS;

export const load = loadCommand(true);
export const loadAll = loadCommand(false);

function loadCommand(firstOnly: boolean) {
  return command<void>({
    async run(context, args) {
      const request = await takeRequest(context, args);
      const bytes = await openObject(context, request.object);
      const spec = parse(context, request.object, bytes);
      // With -L programs are loaded to see that they do, and go again.
      const { useLoader } = context.options;
      if (firstOnly && !useLoader) await makeRoom(context, request.path);
      else if (!useLoader) await makeDirectories(context, await context.kernel(), request.path, request.path);
      const collection = await loadOrFail(context, request, spec, firstOnly);
      for (const program of Object.values(collection.programs)) context.note(framedLog(program.name, program.log));
      try {
        if (!useLoader) await pinAll(context, request, collection, firstOnly);
      } finally {
        await collection.close();
      }
    },
  });
}

async function takeRequest(context: Context, args: Args): Promise<Request> {
  const { useLoader } = context.options;
  args.need(useLoader ? 1 : 2);
  const object = args.next();
  const request: Request = { object, path: useLoader ? '' : args.next(), replaced: [], autoAttach: false };
  while (args.left > 0) {
    if (args.take('type')) {
      if (request.type) fail('program type already specified');
      args.need(1);
      request.type = typeOf(args.next());
    } else if (args.take('map')) {
      args.need(4);
      request.replaced.push(await takeReplacement(context, args));
    } else if (args.is('dev') || args.is('offload_dev') || args.is('xdpmeta_dev')) {
      const bound = args.is('xdpmeta_dev');
      const word = args.next();
      args.need(1);
      const ifindex = await deviceIndex(context, args.next());
      if (!bound) throw new UnsupportedError(`loading onto a device ('${word}')`);
      request.boundDevice = ifindex;
    } else if (args.take('pinmaps')) {
      args.need(1);
      request.pinMaps = args.next();
    } else if (args.take('autoattach')) {
      request.autoAttach = true;
    } else if (args.take('kernel_btf')) {
      args.need(1);
      const path = args.next();
      try {
        request.kernelBtf = await readBtfFile(context, path);
      } catch (error) {
        context.note(`skep: cannot read the kernel's types from ${path}: ${reason(error)}\n`);
        fail('failed to load object file');
      }
    } else {
      fail(
        "expected no more arguments, 'type', 'map', 'offload_dev', 'xdpmeta_dev', 'pinmaps', 'autoattach', " +
          `or 'kernel_btf', got: '${args.peek()}'?`,
      );
    }
  }
  return request;
}

/** A type as a section's beginning spells it: `classifier`, `cgroup/skb`, `kprobe`. */
function typeOf(word: string): { type: number; attachType: number } {
  const meaning = [word, `${word}/x`].map(sectionMeaning).find(({ type }) => type !== 0);
  if (meaning) return { type: meaning.type, attachType: meaning.attachType };
  return fail(`failed to guess program type from '${word}'`);
}

async function takeReplacement(context: Context, args: Args): Promise<{ which: number | string; fd: number }> {
  let which: number | string;
  if (args.take('idx')) which = parseU32(args, 'IDX');
  else if (args.take('name')) which = args.next();
  else fail(`expected 'idx' or 'name', got: '${args.peek()}'?`);
  return { which, fd: (await takeMap(context, args)).fd };
}

async function loadOrFail(
  context: Context,
  request: Request,
  spec: CollectionSpec,
  firstOnly: boolean,
): Promise<Collection> {
  const maps = await replacements(context, request, spec);
  const first = [...spec.programs.keys()][0];
  if (firstOnly && first === undefined) fail("object file doesn't contain any bpf program");
  let refused = false;
  try {
    return await loadCollection(await context.kernel(), spec, {
      maps,
      mapsOfAnyShape: true,
      ...(request.boundDevice === undefined ? {} : { boundDevice: request.boundDevice }),
      ...(firstOnly && first !== undefined ? { programs: [first] } : {}),
      ...(request.type ? { programType: request.type } : {}),
      ...(request.kernelBtf ? { kernelBtf: request.kernelBtf } : {}),
      logLevel: context.options.debug ? ALL_LOGS : 0,
      onRefused: (program, error) => {
        refused = true;
        showRefusal(context, request.object, program, error);
      },
    });
  } catch (error) {
    if (!(error instanceof SkepError)) throw error;
    if (!refused) context.note(`skep: ${error.message}\n`);
    return fail('failed to load object file');
  }
}

/** The verifier's words, framed as libbpf does it: people and scripts look for these lines. */
function showRefusal(context: Context, object: string, program: string, error: BpfError): void {
  const code = `-${errnoName(error.errno)}`;
  const text = error instanceof VerifierError ? error.log : '';
  const log = framedLog(program, text);
  context.note(
    `libbpf: prog '${program}': BPF program load failed: ${code}\n${log}` +
      `libbpf: prog '${program}': failed to load: ${code}\n` +
      `libbpf: failed to load object '${object}'\n`,
  );
}

/** Empty for an empty log: without -d nobody asked for one. */
function framedLog(program: string, text: string): string {
  if (text === '') return '';
  return `libbpf: prog '${program}': -- BEGIN PROG LOAD LOG --\n${text.replace(/\n?$/, '\n')}-- END PROG LOAD LOG --\n`;
}

async function replacements(
  context: Context,
  request: Request,
  spec: CollectionSpec,
): Promise<Readonly<Record<string, BpfMap>>> {
  const kernel = await context.kernel();
  const names = [...spec.maps.keys()];
  const out: Record<string, BpfMap> = {};
  for (const { which, fd } of request.replaced) {
    const name = typeof which === 'number' ? names[which] : which;
    if (name === undefined) fail(`map idx '${which}' not used`);
    if (!spec.maps.has(name)) fail(`map name '${name}' not found in object file`);
    // The descriptor belongs to the command, which closes it: this view of it is not closed.
    out[name] = await BpfMap.adopt(kernel, fd);
  }
  return out;
}

async function pinAll(context: Context, request: Request, collection: Collection, firstOnly: boolean): Promise<void> {
  const kernel = await context.kernel();
  const pinned: string[] = [];
  const pin = async (path: string, what: { pin(path: string): Promise<void> }) => {
    await orFail(`failed to pin ${path}`, what.pin(path));
    pinned.push(path);
  };
  try {
    for (const program of Object.values(collection.programs)) {
      const path = firstOnly ? request.path : `${request.path}/${program.name}`;
      if (!request.autoAttach) await pin(path, program);
      else {
        const link = await attachQuietly(context, program);
        try {
          await pin(path, link ?? program);
        } finally {
          await link?.close();
        }
      }
    }
    if (request.pinMaps !== undefined) {
      await makeDirectories(context, kernel, request.pinMaps, request.pinMaps);
      // Dots have a meaning of their own in a bpf file system.
      for (const map of Object.values(collection.maps))
        await pin(`${request.pinMaps}/${map.name.replaceAll('.', '_')}`, map);
    }
  } catch (error) {
    for (const path of pinned.reverse()) await kernel.bpffs.remove(path).catch(() => {});
    throw error;
  }
}

/** Programs that do not attach by themselves are pinned as they are, with a word on stderr. */
async function attachQuietly(context: Context, program: BpfProgram): Promise<BpfLink | undefined> {
  try {
    return await program.attach();
  } catch (error) {
    if (!(error instanceof SkepError)) throw error;
    context.note(`Program ${program.name} does not support autoattach, falling back to pinning\n`);
    return undefined;
  }
}
