/**
 * npm run check:layers: every import of src/ against the table in layers.mjs, type-only imports included.
 *
 * Reads the imports with oxc-parser; a file that does not parse, or a specifier that leads nowhere, is a finding, so the
 * check cannot succeed by seeing nothing. Tests beside the sources may import anything.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';
import { LAYERS } from '../layers.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const files = readdirSync(join(ROOT, 'src'), { recursive: true })
  .map((f) => f.replaceAll('\\', '/'))
  .filter((f) => f.endsWith('.ts') && !f.endsWith('.test.ts'));
const findings = [];
/** file -> files it imports at run time, for cycles. */
const graph = new Map();
let edges = 0;

for (const file of files) {
  const text = readFileSync(join(ROOT, 'src', file), 'utf8');
  const { module, errors, program } = parseSync(file, text);
  if (errors.length > 0) report('does-not-parse', file, errors[0].message);
  graph.set(file, []);
  const layer = file.split('/')[0];
  if (!LAYERS[layer]) report('every-folder-is-a-layer', file, 'name the folder in layers.mjs');
  for (const { specifier, typeOnly } of importsOf(module, program, text)) {
    edges++;
    checkImport(file, layer, specifier, typeOnly);
  }
}
for (const cycle of cycles()) report('no-cycles', cycle[0], cycle.slice(1).join(' -> '));

for (const f of findings) console.error(f);
console.log(`${files.length} files, ${edges} imports, ${findings.length} against the layers`);
if (files.length === 0 || edges === 0) console.error('nothing was checked');
process.exit(findings.length > 0 || files.length === 0 || edges === 0 ? 1 : 0);

function report(rule, from, to) {
  findings.push(`${rule}: src/${from} -> ${to}`);
}

/** All specifiers of a module: static imports, re-exports, dynamic imports and `import('…')` types. */
function importsOf(module, program, text) {
  const found = [];
  for (const i of module.staticImports) {
    found.push({
      specifier: i.moduleRequest.value,
      typeOnly: i.entries.length > 0 && i.entries.every((e) => e.isType),
    });
  }
  for (const e of module.staticExports) {
    for (const entry of e.entries) {
      if (entry.moduleRequest) found.push({ specifier: entry.moduleRequest.value, typeOnly: entry.isType });
    }
  }
  for (const d of module.dynamicImports) {
    const literal = text.slice(d.moduleRequest.start, d.moduleRequest.end);
    if (/^['"]/.test(literal)) found.push({ specifier: literal.slice(1, -1), typeOnly: true });
  }
  collectImportTypes(program, found);
  return found;
}

function collectImportTypes(node, found) {
  if (Array.isArray(node)) for (const n of node) collectImportTypes(n, found);
  else if (node && typeof node === 'object') {
    if (node.type === 'TSImportType')
      found.push({ specifier: (node.source ?? node.argument?.literal)?.value, typeOnly: true });
    for (const key in node) if (key !== 'parent') collectImportTypes(node[key], found);
  }
}

function checkImport(file, layer, specifier, typeOnly) {
  if (!specifier.startsWith('.')) {
    const node = specifier.startsWith('node:') || builtinModules.includes(specifier);
    const what = specifier.replace(/^node:/, '');
    if (!LAYERS[layer]?.node) report('portable-code-stays-portable', file, what);
    else if (!node && !isDependency(specifier)) report('not-a-dependency', file, what);
    return;
  }
  const target = posix.normalize(posix.join(posix.dirname(file), specifier));
  if (target.startsWith('..')) return report('sources-stay-in-src', file, specifier);
  if (!existsSync(join(ROOT, 'src', target))) return report('not-to-unresolvable', file, specifier);
  if (!typeOnly) graph.get(file).push(target);
  const to = target.split('/')[0];
  if (to === layer) {
    if (target === `${layer}/index.ts`) report('inside-a-layer-import-the-file', file, `src/${target}`);
    return;
  }
  if (!LAYERS[layer]?.uses.includes(to)) report(`${layer}-uses-only-lower-layers`, file, `src/${target}`);
  else if (LAYERS[to].face !== false && target !== `${to}/index.ts`)
    report('enter-a-layer-by-its-index', file, `src/${target}`);
}

function isDependency(specifier) {
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  return name in dependencies || name in optionalDependencies;
}

/** One cycle per group of modules that import each other at run time. */
function cycles() {
  const state = new Map();
  const found = [];
  const path = [];
  const visit = (file) => {
    state.set(file, 'open');
    path.push(file);
    for (const next of graph.get(file) ?? []) {
      if (!state.has(next)) visit(next);
      else if (state.get(next) === 'open') found.push([...path.slice(path.indexOf(next)), next]);
    }
    path.pop();
    state.set(file, 'done');
  };
  for (const file of graph.keys()) if (!state.has(file)) visit(file);
  return found;
}
