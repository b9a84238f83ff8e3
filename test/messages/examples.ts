/**
 * Minimal programs that provoke the verifier's messages, with what those mean: test/messages/*.txt.
 *
 *     == R… !read_ok                    the words, as collect.ts has them
 *     means: …                          one paragraph
 *     mend: …                           one paragraph
 *     never: …                          in place of a program: why none can provoke it
 *     section: xdp                      what SEC() would say; default xdp
 *     license: Proprietary              default GPL
 *     capabilities: CAP_BPF             what who loads it may do; default everything
 *     flags: 1                          prog_flags besides those of the section
 *     attach: struct tcp_ca_ops 3       a type of the kernel, and the attach type; or a number. Default: as the section says
 *     funcs: 0 main, 2 7                func_info, where it is not to be right: instruction, and name or type id; none
 *     lines: 0 3                        line_info: instructions
 *     fds: 0 types                      fd_array: numbers, or the descriptor of the program's types
 *     ours: …                           why only the embedded kernel is asked
 *     log: …                            the line to expect, where asking for it takes long; default: what it says
 *       | struct value { int a; };      types, as types.ts reads them
 *         r0 = r1                       the program: indented lines, `raw CODE DST SRC OFF IMM` for what cannot be spelled
 *         3 times: f$: / r0 = $ / exit    these lines three times, with 1, 2 and 3 for `$`
 *         exit
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FIELDS = [
  'means',
  'mend',
  'never',
  'section',
  'license',
  'capabilities',
  'flags',
  'attach',
  'funcs',
  'lines',
  'fds',
  'ours',
  'log',
] as const;
type Field = (typeof FIELDS)[number];

/** Each field '' where it is not there, but for `section` and `license`. */
export type Example = Readonly<Record<Field, string>> & {
  readonly words: string;
  readonly types: string;
  /** '' where the words are explained without a program. */
  readonly program: string;
};

const FIELD = new RegExp(`^(${FIELDS.join('|')}): (.*)$`);

export function readExamples(root: string): Example[] {
  const folder = join(root, 'test/messages');
  const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));
  return files.sort().flatMap((name) => parseExamples(readFileSync(join(folder, name), 'utf8'), name));
}

export function parseExamples(text: string, file: string): Example[] {
  return text
    .split(/^== /m)
    .slice(1)
    .map((entry) => {
      const lines = entry.trimEnd().split('\n');
      const fields = Object.fromEntries(FIELDS.map((name) => [name, ''])) as Record<Field, string>;
      const program: string[] = [];
      const types: string[] = [];
      for (const line of lines.slice(1)) {
        const m = FIELD.exec(line);
        if (m) fields[m[1] as Field] = m[2]!;
        else if (line.startsWith('  | ')) types.push(line.slice('  | '.length));
        else if (/^ {4}|^ {2}\w+:$/.test(line)) program.push(line.slice(2));
        else if (line.trim() !== '') throw new Error(`test/messages/${file}: what is '${line}'?`);
      }
      fields.section ||= 'xdp';
      fields.license ||= 'GPL';
      const words = lines[0]!.replaceAll('\\n', '\n');
      return { ...fields, words, types: types.join('\n'), program: program.join('\n') };
    });
}
