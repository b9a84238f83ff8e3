/**
 * The first look at a command line: which kernel is meant, and whether the command is one of skep's own or bpftool's.
 * `--kernel` (or SKEP_KERNEL) stands among the options before the command, as bpftool's options do.
 */

/** skep's own commands. Whatever else comes first is an object of bpftool's. */
const OWN_COMMANDS = ['run', 'opensnoop', 'build', 'cases', 'kernel'] as const;
type OwnCommand = (typeof OWN_COMMANDS)[number];

/** `embedded`, `linux`, or the path of a socket. */
export type KernelChoice = string;

export interface CommandLine {
  readonly kernel: KernelChoice;
  readonly own: OwnCommand | undefined;
  /** What follows an own command's word; for bpftool all words without `--kernel`. */
  readonly words: readonly string[];
}

/** Thrown for a `--kernel` without its value. */
export class MissingKernel extends Error {}

export function readCommandLine(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): CommandLine {
  let kernel = env['SKEP_KERNEL'] || 'embedded';
  const rest: string[] = [];
  let at = 0;
  for (; at < argv.length; at++) {
    const word = argv[at]!;
    const inline = /^--kernel=(.*)$/s.exec(word);
    if (inline) kernel = inline[1]!;
    else if (word === '--kernel') kernel = argv[++at] ?? '';
    else if (word.startsWith('-') && word !== '-' && word !== '--') {
      rest.push(word);
      // Options of bpftool's that take a value of their own.
      if (/^-[iBk]$/.test(word) || word === '--base-btf') rest.push(...argv.slice(++at, at + 1));
    } else break;
  }
  if (kernel === '') throw new MissingKernel();
  const words = argv.slice(at);
  const own = rest.length === 0 ? OWN_COMMANDS.find((name) => name === words[0]) : undefined;
  return { kernel, own, words: own ? words.slice(1) : [...rest, ...words] };
}
