/**
 * npm run generate: makes what is generated from the BTF that ships with the package, and what comes from our own
 * sources and examples: parts of the API pages, the pages of the verifier's messages, the names of the public API.
 *
 *     npm run generate                         writes src/uapi/generated/*.ts, the C header of the helpers, docs/api/*.md, …
 *     npm run generate -- --check              writes nothing, and fails where a committed file differs
 *     npm run generate -- --from FILE          first packs FILE (/sys/kernel/btf/vmlinux) as the BTF that ships
 *
 * --from is for a machine that runs the reference kernel; the rest works anywhere.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Btf, parseBtf } from '../src/btf/index.ts';
import { loadReferenceBtfBytes } from '../src/btf/reference/index.ts';
import { generateApiPages } from './generate/api-pages.ts';
import { generateConstants } from './generate/constants.ts';
import { generateHelperDefs } from './generate/helper-defs.ts';
import { generateHelperIds } from './generate/helper-ids.ts';
import { generateLayouts } from './generate/layouts.ts';
import { generatePublicApi, SNAPSHOT } from './generate/public-api.ts';
import { generatePackedBtf } from './generate/reference-btf.ts';
import { generateVerifierMessages, PAGE } from './generate/verifier-messages.ts';
import { generateVerifierPages } from './generate/verifier-pages.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const PACKED = 'src/btf/reference/generated/packed.ts';
const FILES: Readonly<Record<string, (btf: Btf) => string>> = {
  'include/bpf/bpf_helper_defs.h': generateHelperDefs,
  'src/uapi/generated/constants.ts': generateConstants,
  'src/uapi/generated/helper-ids.ts': generateHelperIds,
  'src/uapi/generated/layouts.ts': generateLayouts,
};

const { values } = parseArgs({ options: { check: { type: 'boolean' }, from: { type: 'string' } } });

if (values.from !== undefined) write(PACKED, generatePackedBtf(parseBtf(readFileSync(values.from))));
const btf = parseBtf(await loadReferenceBtfBytes());
const different: string[] = [];
const made = [
  ...Object.entries(FILES).map(([path, generate]) => [path, generate(btf)] as const),
  ...(await generateApiPages(ROOT)),
  ...(await generateVerifierPages(ROOT)),
  [PAGE, await generateVerifierMessages(ROOT)] as const,
  [SNAPSHOT, generatePublicApi(ROOT)] as const,
];
for (const [path, text] of made) {
  if (values.check !== true) write(path, text);
  else if (text !== readFileSync(join(ROOT, path), 'utf8')) different.push(path);
}
if (different.length > 0) {
  console.error(`Not what the generator makes: ${different.join(', ')}. Run npm run generate.`);
  process.exitCode = 1;
}

function write(path: string, text: string): void {
  const file = join(ROOT, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`wrote ${path} (${text.length} bytes)`);
}
