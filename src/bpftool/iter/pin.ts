/** bpftool iter pin OBJ PATH [map MAP]: the object's first program as a file, which prints what it iterates when read. */
import { view } from '../../base/bytes.ts';
import { errnoName } from '../../base/errno.ts';
import { SkepError } from '../../base/errors.ts';
import { type BpfProgram, loadCollection } from '../../client/index.ts';
import { BPF_TRACE_ITER } from '../../uapi/generated/constants.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { errnoIn, fail, reason, statusOf } from '../failure.ts';
import { takeMap } from '../handles.ts';
import { openObject, parse } from '../object-file.ts';
import { makeDirectories } from '../pinning.ts';

/** sizeof(union bpf_iter_link_info). */
const INFO_SIZE = 16;

export const pin = command<void>({
  async run(context, args) {
    args.need(2);
    const object = args.next();
    const path = args.next();
    const map = args.left > 0 && args.take('map') ? (await takeMap(context, args)).fd : undefined;
    const spec = parse(context, object, await openObject(context, object));
    const first = [...spec.programs.keys()][0];
    if (first === undefined) fail(`can't find bpf program in ${object}`);
    const collection = await loadCollection(await context.kernel(), spec, { programs: [first] }).catch(
      (error: unknown) => {
        if (!(error instanceof SkepError)) throw error;
        context.note(`skep: ${error.message}\n`);
        return fail(`can't load ${object}`);
      },
    );
    try {
      const link = await attach(context, collection.program(first), map);
      const folder = path.slice(0, path.lastIndexOf('/'));
      await makeDirectories(context, await context.kernel(), folder, path);
      await (await context.bpf()).objPin(path, link).catch((error: unknown) => {
        reason(error);
        return fail(`pin_iter failed for program ${first} to path ${path}`, statusOf(error));
      });
    } finally {
      await collection.close();
    }
  },
});

async function attach(context: Context, program: BpfProgram, map: number | undefined): Promise<number> {
  const info = new Uint8Array(INFO_SIZE);
  if (map !== undefined) view(info).setUint32(0, map, true);
  const bpf = await context.bpf();
  try {
    const iter = map === undefined ? {} : { iter_info: info };
    return context.own(await bpf.linkCreate({ prog_fd: program.fd, attach_type: BPF_TRACE_ITER, ...iter }));
  } catch (error) {
    if (!(error instanceof SkepError)) throw error;
    const errno = errnoIn(error);
    const why = errno === undefined ? error.message : `-${errnoName(errno)}`;
    context.note(`libbpf: prog '${program.name}': failed to attach to iterator: ${why}\n`);
    return fail(`attach_iter failed for program ${program.name}`, statusOf(error));
  }
}
