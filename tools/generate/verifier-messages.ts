/** docs/verifier-messages.md: what the verifier says, a program that makes it say so, what it means, what mends it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createKernel } from '../../src/kernel/index.ts';
import { BPF_F_SLEEPABLE, BPF_F_STRICT_ALIGNMENT, BPF_F_TEST_REG_INVARIANTS } from '../../src/uapi/flags.ts';
import { askEmbedded } from '../../test/messages/ask.ts';
import { collectMessages, type Message } from '../../test/messages/collect.ts';
import { type Example, readExamples } from '../../test/messages/examples.ts';
import { MAPS } from '../../test/messages/maps.ts';
import { saidBy } from '../../test/messages/programs.ts';
import { TARGET_TYPES } from '../../test/messages/target.ts';
import { markdownTable } from './markdown-table.ts';

export const PAGE = 'docs/verifier-messages.md';

export async function generateVerifierMessages(root: string): Promise<string> {
  const messages = new Map(collectMessages(root).map((message) => [message.words, message]));
  const examples = new Map(readExamples(root).map((example) => [example.words, example]));
  const embedded = createKernel();
  const parts = [head(messages, examples)];
  for (const { title, words } of chapters(root)) {
    parts.push(`## ${title}`);
    for (const word of words) {
      const message = messages.get(word);
      const example = examples.get(word);
      if (!message || !example?.program) continue;
      const said = example.log || saidBy(message, await askEmbedded(embedded, example));
      if (said === undefined) throw new Error(`test/messages: its program does not provoke '${word}'`);
      parts.push(entry(message, example, said));
    }
  }
  parts.push(rest(messages, examples));
  return `${parts.join('\n\n')}\n`;
}

/** The files of test/messages: their first line is the title. */
function chapters(root: string): { title: string; words: string[] }[] {
  const folder = join(root, 'test/messages');
  return ['instructions.txt', 'memory.txt', 'calls.txt', 'resources.txt'].map((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const words = Array.from(text.matchAll(/^== (.*)$/gm), (m) => m[1]!.replaceAll('\\n', '\n'));
    return { title: text.slice(0, text.indexOf('\n')).replace(/\.$/, ''), words };
  });
}

function head(messages: ReadonlyMap<string, Message>, examples: ReadonlyMap<string, Example>): string {
  const proven = [...messages.keys()].filter((words) => examples.get(words)?.program);
  const ours = proven.filter((words) => examples.get(words)?.ours).length;
  const maps = Object.entries(MAPS).map(([name, what]) => [`\`${name}\``, what]);
  return `# What the verifier says

<!-- Made by npm run generate from the rules in src/verifier and the programs in test/messages. -->

The verifier's words are Linux's, so that what is known of one helps with the other. The commonest
messages have [pages of their own](verifier/README.md), with C and how to read the log.

Here is each message, \`…\` in place of what varies, with the rule that says it, and a minimal program that provokes it: ${proven.length} of
${messages.size}; [why the others have none](#without-a-program) is said at the end. The tests load every program, on the embedded kernel and on
Linux 6.18, and both say the same, word for word (${ours} programs only the embedded kernel: they attach where the machine of the tests lets nobody).

\`skep prog load\` prints the end of the log, \`-d\` all of it. A program below is of type xdp unless it says otherwise, and loaded with all
capabilities unless it says otherwise. \`raw\` is an instruction that assembly has no words for: code, registers, offset, immediate. What is
written as \`map[name]\` is one of these; a number after the name makes it another of the same kind:

${markdownTable(['name', 'map'], maps)}

Programs of section \`freplace/FUNCTION\` replace a function of a program that has these:

\`\`\`c
${TARGET_TYPES.trim()}
\`\`\``;
}

function entry({ words, files }: Message, example: Example, said: string): string {
  const where = files.map((file) => `[${file}](../${file})`).join(', ');
  const types = example.types === '' ? '' : `\`\`\`c\n${example.types}\n\`\`\`\n`;
  return `### ${heading(words)}

${example.means} ${where}

**Mend:** ${example.mend}

${types}\`\`\`asm
${[...notes(example), example.program].join('\n')}
\`\`\`
\`\`\`log
${said}
\`\`\``;
}

/** What is unusual about how an example is loaded. */
function notes({ section, license, capabilities, flags, attach, funcs, lines, fds }: Example): string[] {
  const only = funcs === 'none' ? 'without func_info' : `func_info: ${funcs}`;
  return [
    ...(section === 'xdp' ? [] : [`// SEC("${section}")`]),
    ...(attach === '' ? [] : [`// attaches to: ${attach}`]),
    ...(license === 'GPL' ? [] : [`// license: ${license}`]),
    ...(capabilities === '' ? [] : [`// loaded with ${capabilities.replace(' ', ' and ')} only`]),
    ...(flags === '' ? [] : [`// prog_flags: ${flagsText(Number(flags))}`]),
    ...(funcs === '' ? [] : [`// ${only}`]),
    ...(fds === '' ? [] : [`// fd_array: ${fds}`]),
    ...(lines === '' ? [] : [`// line_info for instructions ${lines}`]),
  ];
}

const flagsText = (flags: number): string =>
  flags < 0 ? `without ${FLAGS.get(-flags) ?? -flags}` : (FLAGS.get(flags) ?? String(flags));

const FLAGS: ReadonlyMap<number, string> = new Map([
  [BPF_F_STRICT_ALIGNMENT, 'BPF_F_STRICT_ALIGNMENT'],
  [BPF_F_SLEEPABLE, 'BPF_F_SLEEPABLE'],
  [BPF_F_TEST_REG_INVARIANTS, 'BPF_F_TEST_REG_INVARIANTS'],
]);

function heading(words: string): string {
  return `\`${words.replaceAll('\n', ' ')}\``;
}

function rest(messages: ReadonlyMap<string, Message>, examples: ReadonlyMap<string, Example>): string {
  const left = [...messages.values()].filter(({ words }) => !examples.get(words)?.program);
  const rows = left.map(({ words, files }) => {
    const example = examples.get(words);
    return [
      heading(words),
      example?.means ?? '',
      example?.never ?? '',
      files.map((file) => file.slice('src/verifier/'.length)).join(', '),
    ];
  });
  return `## Without a program

${left.length} messages that no program provokes, and why.

${markdownTable(['message', 'what it means', 'why there is no program', 'rule in src/verifier'], rows)}`;
}
