/**
 * The first look at a command line: which kernel is meant, and whether the command is one of skep's own or bpftool's.
 * `--kernel` (or SKEP_KERNEL) may stand anywhere before `--`.
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
  const words: string[] = [];
  let at = 0;
  for (; at < argv.length && argv[at] !== '--'; at++) {
    const word = argv[at]!;
    if (word === '--kernel') kernel = argv[++at] ?? '';
    else if (word.startsWith('--kernel=')) kernel = word.slice('--kernel='.length);
    else words.push(word);
  }
  if (kernel === '') throw new MissingKernel();
  // Options before the command's word are bpftool's.
  const own = OWN_COMMANDS.find((name) => name === words[0]);
  return { kernel, own, words: [...(own ? words.slice(1) : words), ...argv.slice(at)] };
}
