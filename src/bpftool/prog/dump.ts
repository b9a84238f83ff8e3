/** bpftool prog dump { xlated | jited } PROG [file FILE | [opcodes] [linum] [visual]]: the code of programs. */
import type { ProgInfo } from '../../uapi/infos.ts';
import type { Args } from '../args.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { fail, orFail, ShowUsage } from '../failure.ts';
import { type Found, takeProgs } from '../handles.ts';
import { xlatedGraph } from './graph.ts';
import { type Image, readImage } from './image.ts';
import { jitedJson, jitedPlain } from './jited.ts';
import { headerJson, headerPlain } from './show.ts';
import { xlatedJson, xlatedPlain } from './xlated.ts';

type What = 'xlated' | 'jited';

interface Options {
  file: string | undefined;
  opcodes: boolean;
  visual: boolean;
  linum: boolean;
}

/** Dumps are for their owner only. */
const DUMP_MODE = 0o600;

export const dump = command<void>({
  async run(context, args) {
    const what = takeWhat(args);
    if (args.left < 2) throw new ShowUsage();
    const progs = await takeProgs(context, args);
    const options = takeOptions(context, args, progs.length);
    const several = progs.length > 1;
    if (several) context.json?.startArray();
    for (const [i, prog] of progs.entries()) {
      const image = await readImage(context, prog.fd);
      await showOne(context, what, prog, image, options, several);
      if (several && !context.json && i + 1 < progs.length) context.print('\n');
    }
    if (several) context.json?.endArray();
    else if (options.file !== undefined) context.json?.null();
  },
  json: () => {},
});

function takeWhat(args: Args): What {
  if (args.take('jited')) return 'jited';
  if (args.take('xlated')) return 'xlated';
  return fail(`expected 'xlated' or 'jited', got: ${args.peek() ?? '(null)'}`);
}

function takeOptions(context: Context, args: Args, count: number): Options {
  const options: Options = { file: undefined, opcodes: false, visual: false, linum: false };
  while (args.left > 0) {
    if (args.take('file')) {
      if (args.left === 0) fail('expected file path');
      if (count > 1) fail('several programs matched');
      options.file = args.next();
    } else if (args.take('opcodes')) options.opcodes = true;
    else if (args.take('visual')) {
      if (count > 1) fail('several programs matched');
      options.visual = true;
    } else if (args.take('linum')) options.linum = true;
    else throw new ShowUsage();
  }
  if (options.file !== undefined && (options.opcodes || options.visual || options.linum)) {
    fail("'file' is not compatible with 'opcodes', 'visual', or 'linum'");
  }
  if (context.json && options.visual) fail("'visual' is not compatible with JSON output");
  return options;
}

async function showOne(
  context: Context,
  what: What,
  { info }: Found<ProgInfo>,
  image: Image,
  options: Options,
  several: boolean,
): Promise<void> {
  const bytes = what === 'jited' ? image.info.jited_prog_insns : image.bytes;
  if (bytes.length === 0) fail(missing(what));
  if (options.file !== undefined) {
    await orFail(`can't open file ${options.file}`, context.io.writeFile(options.file, bytes, DUMP_MODE));
    return;
  }
  const writer = context.json;
  if (several && writer) {
    writer.startObject();
    headerJson(writer, info, image.name);
    writer.name('insns');
  } else if (several) context.print(headerPlain(info, image.name));

  if (what === 'jited') writer ? jitedJson(writer, image, options) : context.print(jitedPlain(image, options));
  else if (options.visual) context.print(xlatedGraph(image, options));
  else writer ? xlatedJson(writer, image, options) : context.print(xlatedPlain(image, options));
  if (several) writer?.endObject();
}

function missing(what: What): string {
  return what === 'jited'
    ? 'error retrieving jit dump: no instructions returned or kernel.kptr_restrict set?'
    : 'error retrieving insn dump: kernel.kptr_restrict set?';
}
