/**
 * The parts of docs/verifier/*.md that come from elsewhere, written in place:
 *
 *     ```c examples/verifier/packet.bpf.c      the file without its head
 *     ```log packet 6                          the last 6 lines that the embedded kernel says to its program `broken`
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createKernel } from '../../src/kernel/index.ts';
import { endOfLog } from '../../test/messages/broken.ts';

const FOLDER = 'docs/verifier';
/** The verifier takes seconds to give up: the test has a look at its page. */
const SLOW = new Set(['complex']);

export async function generateVerifierPages(root: string): Promise<Map<string, string>> {
  const pages = new Map<string, string>();
  for (const name of readdirSync(join(root, FOLDER))) {
    const path = `${FOLDER}/${name}`;
    pages.set(path, await filled(root, readFileSync(join(root, path), 'utf8')));
  }
  return pages;
}

async function filled(root: string, text: string): Promise<string> {
  let page = text.replace(/^(```c (examples\/\S+))\n[\s\S]*?^```$/gm, (_, head: string, file: string) => {
    const source = readFileSync(join(root, file), 'utf8');
    return `${head}\n${source.slice(source.indexOf('\n\n') + 2)}\`\`\``;
  });
  for (const [block, head, object, lines] of page.matchAll(/^(```log (\S+) (\d+))\n[\s\S]*?^```$/gm)) {
    if (SLOW.has(object!)) continue;
    const kernel = createKernel().open();
    const said = await endOfLog(kernel, root, object!, Number(lines));
    page = page.replace(block, () => `${head}\n${said}\n\`\`\``);
    await kernel.close();
  }
  return page;
}
