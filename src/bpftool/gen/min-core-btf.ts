/** bpftool gen min_core_btf INPUT OUTPUT OBJECT...: the types of INPUT that the objects' CO-RE relocations want. */
import { SkepError } from '../../base/errors.ts';
import { minimalBtf } from '../../btf/index.ts';
import { readBtfFile } from '../btf/file.ts';
import { command } from '../command.ts';
import { fail, orFail } from '../failure.ts';
import { openObject, parse } from '../object-file.ts';

/** As bpftool makes it: everybody may read it. */
const MODE = 0o644;

export const minCoreBtf = command<void>({
  async run(context, args) {
    args.need(3);
    const input = args.next();
    const output = args.next();
    const target = await orFail(`failed parsing '${input}' BTF file`, readBtfFile(context, input));
    const programs = [];
    while (args.left > 0) {
      const file = args.next();
      const spec = parse(context, file, await openObject(context, file));
      const { btf } = spec;
      if (!btf) continue;
      for (const program of spec.programs.values()) programs.push({ program, btf });
    }
    let bytes: Uint8Array;
    try {
      bytes = minimalBtf(programs, target);
    } catch (error) {
      if (!(error instanceof SkepError)) throw error;
      return fail(`error recording relocations: ${error.message}`);
    }
    await orFail(`error saving btf file ${output}`, context.io.writeFile(output, bytes, MODE));
  },
});
